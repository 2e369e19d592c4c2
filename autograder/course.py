"""A course on disk: its assignments and submissions, where nbgrader's configuration says they are.

A `Course` reads `nbgrader_config.py` as nbgrader does, so any nbgrader course can be graded with
no change to it. Source notebooks are made ready for grading by nbgrader's own preprocessors.
"""

from __future__ import annotations

import datetime
import json
import os
import re
import stat
import threading
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import fields, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from jupyter_core.paths import jupyter_config_path
from nbconvert.exporters.exporter import ResourcesDict
from nbformat import NotebookNode, from_dict
from nbgrader.converters import GenerateAssignment
from nbgrader.coursedir import CourseDirectory
from nbgrader.nbgraderformat.common import SchemaMismatchError, ValidationError
from nbgrader.preprocessors import ClearHiddenTests, SaveCells
from nbgrader.utils import chdir, is_grade, is_locked, is_solution, is_task, parse_utc
from traitlets.config import Config
from traitlets.config.loader import ConfigFileNotFound, PyFileConfigLoader
from traitlets.utils.importstring import import_item

from autograder.assignment import Assignment, Submission
from autograder.cells import Limits
from autograder.notebooks import (
    NotebookError,
    SourceCell,
    SourceNotebook,
    grade_id,
    read_notebook,
)
from autograder.text import whole

MAX_NOTEBOOK_BYTES = 20_000_000
# A submission's other files are copied into its room; this bounds what one student can send.
MAX_SUBMISSION_BYTES = 100_000_000
MAX_SUBMISSION_FILES = 2_000

# The current directory is the whole process's, and nbgrader's steps need it to be the course's.
_one_directory = threading.Lock()


class CourseError(Exception):
    """What is wrong with the course, where, and what to do next, in one line."""


class Course:
    """An nbgrader course: the folder `root` and what its `nbgrader_config.py` says.

    Args:
        root: the course folder.

    Raises:
        CourseError: if there is no such folder, or its configuration cannot be read.
    """

    def __init__(self, root: Path | str = ".") -> None:
        self.root = Path(root).resolve()
        if not self.root.is_dir():
            raise CourseError(f"{root}: no such folder; give a course folder with --course DIR")
        self.config = _read_config(self.root)
        self.config.CourseDirectory.root = str(self.root)
        self.directory = CourseDirectory(config=self.config)

    @property
    def database(self) -> str:
        """The URL of the gradebook."""
        return str(self.directory.db_url)

    def folder(self, step: str, student: str, assignment: str) -> Path:
        """The folder of one step ("source", "submitted", …) by the configured structure.

        Raises:
            CourseError: if a name would lead out of that step's folder.
        """
        named = getattr(self.directory, f"{step}_directory")
        path = self.directory.format_path(
            named,
            student if student == "." else _plain_name(student, "student"),
            _plain_name(assignment, "assignment"),
        )
        return Path(os.path.normpath(path))

    def limits(self) -> Limits:
        """What one submission may use: nbgrader's `Execute.timeout` and `Limits.…`, if configured.

        Raises:
            CourseError: if the configuration names a limit that there is not.
        """
        timeout = self.config.Execute.get("timeout")
        own = {name: self.config.Limits[name] for name in self.config.Limits}
        try:
            return replace(Limits(), **(({"cell_wall_s": timeout} if timeout else {}) | own))
        except TypeError:
            known = ", ".join(limit.name for limit in fields(Limits))
            raise CourseError(
                f"{self.root / 'nbgrader_config.py'}: no such limit as {', '.join(own)}; "
                f"there are: {known}"
            ) from None

    def shown(self, path: Path) -> str:
        """The path as messages show it: relative to the course if it lies inside."""
        return whole(str(path.relative_to(self.root) if path.is_relative_to(self.root) else path))

    def assignments(self) -> list[str]:
        """The names of all assignments that have a source notebook, sorted."""
        parent = self.folder("source", ".", "x").parent
        if not parent.is_dir():
            return []
        return sorted(
            entry.name
            for entry in parent.iterdir()
            if entry.is_dir() and not self._ignored(entry.name) and any(entry.glob("*.ipynb"))
        )

    def assignment(self, name: str) -> Assignment:
        """Read the assignment from its source folder.

        Raises:
            CourseError: if there is none of that name or its source cannot be graded with.
        """
        folder = self.folder("source", ".", name)
        if not folder.is_dir() or not any(folder.glob("*.ipynb")):
            known = ", ".join(self.assignments()) or "none"
            raise CourseError(
                f"{self.shown(folder)}: no assignment of that name with a source notebook; "
                f"there are: {known}"
            )
        notebooks = tuple(
            self._source_notebook(path, name)
            for path in sorted(folder.glob("*.ipynb"))
            if not self._ignored(path.name)
        )
        files = {
            relative: path.read_bytes()
            for relative, path in self._files(folder)
            if not relative.endswith(".ipynb")
        }
        keep = self.config.get("Autograde", {}).get("exclude_overwriting", {}).get(name, [])
        return Assignment(name, notebooks, files, frozenset(keep))

    def students(self, assignment: str) -> list[str]:
        """The students who handed the assignment in, sorted."""
        pattern = re.compile(
            self.directory.format_path(
                re.escape(self.directory.submitted_directory),
                r"(?P<student>[^/]+)",
                re.escape(_plain_name(assignment, "assignment")),
                escape=True,
            )
        )
        glob = self.directory.format_path(
            self.directory.submitted_directory, "*", assignment
        ).removeprefix(str(self.root))
        found = (pattern.fullmatch(str(path)) for path in self.root.glob(glob.lstrip("/")))
        return sorted(m["student"] for m in found if m and not self._ignored(m["student"]))

    def submission(self, student: str, assignment: str) -> Submission:
        """Read what a student handed in.

        What cannot be read never raises: the submission says why in `refused`, and what was left
        out in `notes`.

        Raises:
            CourseError: if a name would lead out of the folder of submissions.
        """
        folder = self.folder("submitted", student, assignment)
        where = self.shown(folder)
        if not student.isprintable():
            return Submission(
                student, assignment, repr(where), refused=f"{where!r}: rename the folder"
            )
        linked = _first_link(folder, self.root)
        if linked is not None:
            return Submission(
                student,
                assignment,
                where,
                refused=f"{self.shown(linked)} is a symbolic link; put the folder itself there",
            )
        if not folder.is_dir():
            return Submission(
                student,
                assignment,
                where,
                refused=f"{where}: no such folder; collect the submission, or check the spelling",
            )
        return self._read_submission(student, assignment, folder)

    def single(self, path: Path) -> tuple[Assignment, Submission]:
        """Take one notebook, wherever it lies, as a submission of the assignment it belongs to.

        The assignment is the one that holds most of its cells. Only it is read, not the files
        beside it.

        Raises:
            CourseError: if there is no such file, or it belongs to no assignment of the course.
            NotebookError: if it is no notebook.
        """
        try:
            data = _read_regular_file(path, MAX_NOTEBOOK_BYTES)
        except OSError as error:
            raise CourseError(f"{path}: {error.strerror}; give the path of a notebook") from None
        if data is None:
            raise CourseError(f"{path}: too large; clear the notebook's outputs")
        ids = _ids(read_notebook(data, str(path)))
        best, shared = "", 0
        for name in self.assignments():
            for source in sorted(self.folder("source", ".", name).glob("*.ipynb")):
                common = len(ids & _ids(read_notebook(source.read_bytes(), self.shown(source))))
                if common > shared:
                    best, shared = name, common
        if not shared:
            raise CourseError(f"{path}: has no cell of any assignment in {self.root}")
        submission = Submission("", best, str(path.parent), {path.stem: data})
        return self.assignment(best), submission

    def _read_submission(self, student: str, assignment: str, folder: Path) -> Submission:
        where = self.shown(folder)
        notebooks: dict[str, bytes] = {}
        files: dict[str, bytes] = {}
        notes: list[str] = []
        refused = ""
        total = 0
        try:
            for relative, path in self._files(folder, notes):
                at_top = relative.endswith(".ipynb") and "/" not in relative
                limit = MAX_NOTEBOOK_BYTES if at_top else self.directory.max_file_size * 1000
                data = _read_regular_file(path, limit)
                if data is None:
                    problem = (
                        f"{self.shown(path)}: larger than {limit // 1_000_000} MB; "
                        "clear the notebook's outputs or leave the file out"
                    )
                    if at_top:
                        refused = refused or problem
                    notes.append(f"{problem} (left out)")
                    continue
                total += len(data)
                if total > MAX_SUBMISSION_BYTES or len(files) > MAX_SUBMISSION_FILES:
                    refused = (
                        f"{where}: more than {MAX_SUBMISSION_FILES} files or "
                        f"{MAX_SUBMISSION_BYTES // 1_000_000} MB; leave out what the exercise "
                        "does not need"
                    )
                    break
                if at_top:
                    notebooks[relative.removesuffix(".ipynb")] = data
                else:
                    files[relative] = data
        except OSError as error:
            refused = (
                f"{whole(str(error.filename))}: {error.strerror}; make it readable and grade again"
            )
        timestamp, problem = _timestamp(files.get("timestamp.txt"))
        if problem:
            notes.append(f"{where}/timestamp.txt: {problem}")
        return Submission(
            student, assignment, where, notebooks, files, timestamp, tuple(notes), refused
        )

    def _files(self, folder: Path, notes: list[str] | None = None) -> Iterator[tuple[str, Path]]:
        """Regular files below the folder, in a fixed order, links and ignored names left out."""
        for parent, folders, names in os.walk(folder, onerror=_raise):
            here = Path(parent)
            for name in sorted([*folders, *names]):
                path = here / name
                relative = path.relative_to(folder).as_posix()
                if self._ignored(name):
                    if name in folders:
                        folders.remove(name)
                    continue
                mode = path.lstat().st_mode
                if stat.S_ISREG(mode):
                    yield relative, path
                elif not stat.S_ISDIR(mode):
                    if name in folders:
                        folders.remove(name)
                    if notes is not None:
                        kind = "a symbolic link" if stat.S_ISLNK(mode) else "not a regular file"
                        notes.append(
                            f"{self.shown(path)}: is {kind} (left out); submit the file itself"
                        )
            folders.sort()

    def _ignored(self, name: str) -> bool:
        return any(fnmatch(name, pattern) for pattern in self.directory.ignore)

    def _source_notebook(self, path: Path, assignment: str) -> SourceNotebook:
        where = self.shown(path)
        try:
            written = from_dict(read_notebook(path.read_bytes(), where))
        except NotebookError as error:
            raise CourseError(str(error)) from None
        resources = ResourcesDict(
            metadata={"path": str(path.parent), "name": path.stem},
            nbgrader={"notebook": path.stem, "assignment": assignment, "student": "."},
            unique_key=path.stem,
        )
        try:
            graded, released, written = self._prepare(written, resources)
        except SchemaMismatchError as error:
            raise CourseError(f"{where}: {error}; run `nbgrader update {where}`") from None
        except ValidationError as error:
            cause = error.__context__ if isinstance(error.__context__, ValidationError) else error
            raise CourseError(f"{where}: nbgrader metadata: {cause.message}; correct it") from None
        except Exception as error:
            raise CourseError(f"{where}: {_one_line(error)}; correct the source") from error
        language = graded.metadata.get("kernelspec", {}).get("language", "python")
        if language != "python":
            raise CourseError(
                f"{where}: its kernel's language is {language}; only Python is graded"
            )
        cells = tuple(
            _source_cell(number, *versions)
            for number, versions in enumerate(
                zip(written.cells, graded.cells, released.cells, strict=True)
            )
        )
        metadata = {
            key: deepcopy(value)
            for key, value in graded.metadata.items()
            if key in ("kernelspec", "language_info")
        }
        return SourceNotebook(path.stem, cells, metadata)

    def _prepare(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, NotebookNode, NotebookNode]:
        """The notebook as graded, as released, and as written, by nbgrader's own preprocessors.

        The gradebook saves the cells between clearing the solutions and clearing the hidden
        tests (`SaveCells`), so what stands there is what grading uses.
        """
        steps = [
            import_item(step) if isinstance(step, str) else step
            for step in GenerateAssignment(
                coursedir=self.directory, config=self.config
            ).preprocessors
        ]
        saved = next(
            (i for i, step in enumerate(steps) if step in (SaveCells, ClearHiddenTests)), len(steps)
        )
        whole: NotebookNode | None = None
        with _one_directory, chdir(str(self.root)):
            for step in steps[:saved]:
                if step.__name__ == "ClearSolutions":
                    whole = deepcopy(nb)
                nb, resources = step(config=self.config)(nb, resources)
            released = deepcopy(nb)
            for step in steps[saved:]:
                if step is not SaveCells:
                    released, resources = step(config=self.config)(released, resources)
        return nb, released, deepcopy(nb) if whole is None else whole


def _read_config(root: Path) -> Config:
    """What nbgrader itself would read: Jupyter's configuration folders, then the course."""
    config = Config()
    for folder in [*reversed(jupyter_config_path()), str(root)]:
        try:
            config.merge(PyFileConfigLoader("nbgrader_config.py", path=folder).load_config())
        except ConfigFileNotFound:
            continue
        except Exception as error:
            where = Path(folder) / "nbgrader_config.py"
            raise CourseError(f"{where}: {_one_line(error)}; correct the configuration") from error
    return config


def _plain_name(name: str, kind: str) -> str:
    """Return the name if it names one folder, and nothing above or below it."""
    if name in ("", ".", "..") or "/" in name or "\0" in name:
        raise CourseError(f"{name!r}: not a name of one {kind}; give the folder's name only")
    return name


def _first_link(folder: Path, root: Path) -> Path | None:
    """The first symbolic link on the way from the submitted folder's student part down.

    The course may keep `submitted/` itself behind a link; a student's part of the path may not.
    """
    inside = [p for p in [folder, *folder.parents] if p.is_relative_to(root) and p != root]
    return next((path for path in inside[:-1] if path.is_symlink()), None)


def _read_regular_file(path: Path, limit: int) -> bytes | None:
    """The file's bytes, or None if there are more than `limit`; never follows a link."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        data = file.read(limit + 1)
    return data if len(data) <= limit else None


def _timestamp(data: bytes | None) -> tuple[datetime.datetime | None, str]:
    """The time in an nbgrader `timestamp.txt`, and what is wrong with it."""
    if data is None or not data.strip():
        return None, ""
    try:
        return parse_utc(data.decode("utf-8").strip()), ""
    except (ValueError, OverflowError, TypeError):
        return None, "not a time (taken as unknown); write it like 2026-02-03 14:00:00 UTC"


def _ids(notebook: dict[str, Any]) -> set[str]:
    return {grade_id(cell) for cell in notebook["cells"]} - {""}


def _source_cell(
    number: int, written: NotebookNode, graded: NotebookNode, released: NotebookNode
) -> SourceCell:
    known = any(test(graded) for test in (is_grade, is_solution, is_locked, is_task))
    meta = graded.metadata.get("nbgrader", {})
    counts = is_grade(graded) or is_task(graded)
    id_ = str(meta.get("grade_id", "")) if known else ""
    return SourceCell(
        id=id_,
        key=id_ or f"cell {number + 1} of the source",
        node_id=graded.get("id", ""),
        cell_type=graded.cell_type,
        written=written.source,
        text=graded.source,
        released=released.source,
        metadata=json.loads(json.dumps(graded.metadata)),
        is_grade=bool(is_grade(graded)),
        is_solution=bool(is_solution(graded)),
        is_locked=bool(is_locked(graded)),
        is_task=bool(is_task(graded)),
        points=float(meta.get("points", 0) or 0) if counts else 0.0,
    )


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__


def _raise(error: OSError) -> None:
    raise error
