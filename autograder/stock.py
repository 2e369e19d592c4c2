"""Stock nbgrader on the same submissions, to compare scores and speed with.

It runs in a copy of the course with nbgrader's own preprocessors, whatever the course configures,
and with no walls at all: only for answers that the course's authors wrote.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI

from autograder.assignment import Submission
from autograder.course import Course
from autograder.sandbox.scratch import owned_name

# What a course may configure to have nbgrader grade in the two rooms.
_REPLACED = ("sanitize_preprocessors", "autograde_preprocessors")


class StockError(Exception):
    """Why stock nbgrader cannot be compared with, in one line."""


class StockNbgrader:
    """Stock nbgrader with these submissions of one assignment. Use it in a `with` statement.

    Args:
        course: where the source comes from; nothing in it is changed.
        assignment: its name.
        submissions: what is handed in.
    """

    def __init__(self, course: Course, assignment: str, submissions: Sequence[Submission]) -> None:
        self.assignment = assignment
        self._scratch = tempfile.TemporaryDirectory(prefix=f"{owned_name()}stock-")
        self._root = Path(self._scratch.name)
        config = deepcopy(course.config)
        for name in _REPLACED:
            config.Autograde.pop(name, None)
        config.GenerateFeedback.pop("preprocessors", None)
        # The kernel would warn of its port at each start.
        config.Execute.extra_arguments = [
            "--HistoryManager.hist_file=:memory:",
            "--IPKernelApp.log_level=40",
        ]
        config.CourseDirectory.root = str(self._root)
        config.CourseDirectory.db_url = f"sqlite:///{self._root}/gradebook.db"
        self._api = NbGraderAPI(config=config)
        source = course.folder("source", ".", assignment)
        here = Path(self._api.coursedir.format_path(_step(self._api, "source"), ".", assignment))
        ignored = shutil.ignore_patterns(*course.directory.ignore)
        shutil.copytree(source, here, ignore=ignored)
        for beside in source.parent.glob("*.ipynb"):
            shutil.copy(beside, here.parent)
        for submission in submissions:
            self._hand_in(submission)

    def __enter__(self) -> Self:
        """Make the assignment's release and gradebook, as nbgrader does."""
        with self._quiet():
            self._check(self._api.generate_assignment(self.assignment))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Remove the copy of the course."""
        self._scratch.cleanup()

    def grade(self, student: str) -> None:
        """Run `nbgrader autograde` on one submission."""
        with self._quiet():
            self._check(self._api.autograde(self.assignment, student))

    def feedback(self, student: str) -> None:
        """Run `nbgrader generate_feedback` on one submission."""
        with self._quiet():
            self._check(self._api.generate_feedback(self.assignment, student))

    def scores(self, student: str) -> Mapping[str, float | None]:
        """The automatic score of each graded cell; None where a person has to decide."""
        with Gradebook(self._api.coursedir.db_url, self._api.coursedir.course_id) as gradebook:
            submission = gradebook.find_submission(self.assignment, student)
            return {
                grade.name: grade.auto_score
                for notebook in submission.notebooks
                for grade in notebook.grades
            }

    def _hand_in(self, submission: Submission) -> None:
        directory = self._api.coursedir
        folder = Path(
            directory.format_path(
                _step(self._api, "submitted"), submission.student, self.assignment
            )
        )
        files = {f"{name}.ipynb": data for name, data in submission.notebooks.items()}
        for name, data in {**submission.files, **files}.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)

    def _check(self, outcome: Mapping[str, Any]) -> None:
        if not outcome["success"]:
            last = outcome.get("error", "").strip().splitlines() or ["no word"]
            raise StockError(f"{self.assignment}: stock nbgrader failed: {last[-1][:300]}")

    @contextmanager
    def _quiet(self) -> Iterator[None]:
        """Nbgrader finds `alembic` and its kernel on the path, and changes the current folder."""
        before, folder = os.environ.get("PATH", ""), Path.cwd()
        os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), before])
        level = self._api.log.level
        self._api.log.setLevel("CRITICAL")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # nbgrader's, about SQLAlchemy's next version
                yield
        finally:
            self._api.log.setLevel(level)
            os.environ["PATH"] = before
            os.chdir(folder)


def _step(api: NbGraderAPI, name: str) -> str:
    return str(getattr(api.coursedir, f"{name}_directory"))
