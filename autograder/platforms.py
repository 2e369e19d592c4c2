"""The way from and to a learning platform: Canvas or Moodle.

Both give each student a number, write it into the names of a download's files, and expect it in the
table of grades that they import. That number is the student's name in this course, so nothing has
to be matched by hand.

File names as in Canvas's "Download Submissions" and Moodle's "Download all submissions"; tables as
in Canvas's gradebook export and Moodle's grading worksheet.
"""

from __future__ import annotations

import csv
import re
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from autograder.assignment import Assignment
from autograder.course import MAX_SUBMISSION_BYTES, MAX_SUBMISSION_FILES, Course
from autograder.feedback import shown_points
from autograder.gradebook import Gradebook

# lovelaceada_LATE_1234_56789_01-the-notebook-2.ipynb: student 1234, handed in for the third time
_CANVAS = re.compile(r"[^_/]*_(?:LATE_)?(?P<student>\d+)_\d+_(?P<file>[^/]+)")
# Ada Lovelace_1234_assignsubmission_file/01-the-notebook.ipynb, or all of it as one file name
_MOODLE = re.compile(r"[^/]*?_(?P<student>\d+)_assignsubmission_file_?/?(?P<file>[^/]+)")
_HANDED_IN_AGAIN = re.compile(r"(?P<name>.*)-(?P<times>\d+)")
_NUMBER_AT_END = re.compile(r"\d+$")


class PlatformError(Exception):
    """What is wrong with a download or a table, and what to do, in one line."""


@dataclass(frozen=True)
class Collected:
    """One student's files, as they lie in `submitted/` now.

    Attributes:
        state: "new", "replaced" (an earlier one, by what the download holds) or "unchanged".
        notes: what was left out, and why.
    """

    student: str
    state: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """A platform's table of grades, filled in.

    Attributes:
        rows: header and lines, as they came but for the grades.
        open: students of the table without a whole grade yet, and why.
    """

    rows: list[list[str]]
    open: dict[str, str]


def collect(course: Course, assignment: Assignment, archive: Path) -> Iterator[Collected]:
    """Put a platform's zip file of submissions into `submitted/`, one student after the other.

    Names inside the zip file decide nothing but the student's number and the file's own name.

    Raises:
        PlatformError: if it is no zip file, or none of its names is Canvas's or Moodle's.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            handed_in = _by_student(opened.infolist())
            if not handed_in:
                raise PlatformError(
                    f"{archive}: no file in it is named as Canvas or Moodle name submissions; "
                    "give the zip file as it was downloaded"
                )
            for student in sorted(handed_in, key=int):
                yield _take(course, assignment, opened, student, handed_in[student])
    except OSError as error:
        raise PlatformError(f"{error.filename or archive}: {error.strerror or error}") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError):
        raise PlatformError(
            f"{archive}: it is no whole zip file, or it needs a password; download it again"
        ) from None


def export(course: Course, assignment: Assignment, sheet: Path, column: str = "") -> Table:
    """Fill an assignment's scores into a table that a platform gave.

    Args:
        course: Whose gradebook holds the scores.
        assignment: Whose scores.
        sheet: Canvas's exported gradebook or Moodle's grading worksheet (CSV).
        column: The title of the column to fill; by default Moodle's "Grade", and Canvas's column
            with the assignment's name, with or without Canvas's number behind it.

    Raises:
        PlatformError: if the table is neither's, lacks the column, or counts to other points.
        GradebookError: if the gradebook cannot be read.
    """
    rows = _read_table(sheet)
    header, lines = rows[0], rows[1:]
    if "Identifier" in header:
        number, title = header.index("Identifier"), column or "Grade"
    elif {"Student", "ID"} <= set(header):
        number, title = header.index("ID"), column or assignment.name
    else:
        raise PlatformError(
            f"{sheet}: neither Moodle's grading worksheet (a column Identifier) nor Canvas's "
            "gradebook (columns Student and ID); export it again, with the site in English"
        )
    target = _column(header, title, sheet)
    waiting: dict[str, str] = {}
    with Gradebook(course, assignment) as gradebook:
        for line in lines:
            line += [""] * (len(header) - len(line))
            if line[0].strip() == "Points Possible":
                _check_points(line[target], assignment, sheet)
                continue
            if "Maximum Grade" in header:
                _check_points(line[header.index("Maximum Grade")], assignment, sheet)
            found = _NUMBER_AT_END.search(line[number])
            if not found:
                continue  # Canvas's test student, an empty line
            recorded = gradebook.recorded(found[0])
            if recorded is None:
                waiting[found[0]] = "no grade"
                continue
            line[target] = shown_points(max(0.0, recorded.score))
            if recorded.needs_person:
                waiting[found[0]] = "a person has still to grade a cell"
    return Table(rows, waiting)


def _by_student(entries: Sequence[zipfile.ZipInfo]) -> dict[str, list[tuple[str, zipfile.ZipInfo]]]:
    """The files of each student with their own names."""
    found: dict[str, list[tuple[str, zipfile.ZipInfo]]] = defaultdict(list)
    for entry in entries:
        name = entry.filename
        if not name or entry.is_dir():
            continue
        match = _MOODLE.fullmatch(name) or _CANVAS.fullmatch(PurePosixPath(name).name)
        if match and not match["file"].startswith(".") and match["file"].isprintable():
            found[match["student"].lstrip("0") or "0"].append((match["file"], entry))
    return found


def _take(
    course: Course,
    assignment: Assignment,
    archive: zipfile.ZipFile,
    student: str,
    entries: Sequence[tuple[str, zipfile.ZipInfo]],
) -> Collected:
    """Write one student's files; what is there already and not in the download stays."""
    if (
        len(entries) > MAX_SUBMISSION_FILES
        or sum(entry.file_size for _, entry in entries) > MAX_SUBMISSION_BYTES
    ):
        note = f"more than {MAX_SUBMISSION_BYTES // 10**6} MB or {MAX_SUBMISSION_FILES} files"
        return Collected(student, "left out", (note,))
    folder = course.folder("submitted", student, assignment.name)
    if folder.is_symlink():
        note = f"{course.shown(folder)} is a symbolic link; put the folder itself there"
        return Collected(student, "left out", (note,))
    was_there = folder.is_dir()
    changed = False
    for name, entry in _latest(assignment, entries):
        data = archive.read(entry)
        path = folder / name
        if path.is_file() and not path.is_symlink() and path.read_bytes() == data:
            continue
        changed = True
        folder.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f".{name}.part")
        fresh.unlink(missing_ok=True)
        fresh.write_bytes(data)
        fresh.replace(path)
    state = ("replaced" if changed else "unchanged") if was_there else "new"
    lacks = [n.name for n in assignment.notebooks if not (folder / f"{n.name}.ipynb").is_file()]
    return Collected(
        student, state, tuple(f"{name}.ipynb is not among the files" for name in lacks)
    )


def _latest(
    assignment: Assignment, entries: Sequence[tuple[str, zipfile.ZipInfo]]
) -> list[tuple[str, zipfile.ZipInfo]]:
    """One entry a file name: of `name`, `name-1`, `name-2`, which Canvas makes, the last."""
    notebooks = {notebook.name for notebook in assignment.notebooks}
    latest: dict[str, tuple[int, zipfile.ZipInfo]] = {}
    for name, entry in entries:
        path, times = PurePosixPath(name), 0
        again = _HANDED_IN_AGAIN.fullmatch(path.stem)
        if again and again["name"] in notebooks and path.stem not in notebooks:
            name, times = again["name"] + path.suffix, int(again["times"])
        if name not in latest or times >= latest[name][0]:
            latest[name] = (times, entry)
    return [(name, entry) for name, (_, entry) in latest.items()]


def _read_table(sheet: Path) -> list[list[str]]:
    try:
        with sheet.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file))
    except OSError as error:
        raise PlatformError(f"{sheet}: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error):
        raise PlatformError(f"{sheet}: it is no CSV file in UTF-8; export it again") from None
    if not rows:
        raise PlatformError(f"{sheet}: it is empty; export it again")
    return rows


def _column(header: Sequence[str], title: str, sheet: Path) -> int:
    """Where the column of this title is; Canvas puts a number in brackets behind it."""
    titles = [re.sub(r" \(\d+\)$", "", found) for found in header]
    for names in (list(header), titles):
        if names.count(title) == 1:
            return names.index(title)
    raise PlatformError(
        f"{sheet}: no single column '{title}'; say which with --column, of: {', '.join(header)}"
    )


def _check_points(told: str, assignment: Assignment, sheet: Path) -> None:
    """Refuse to write 8 of 10 points where the platform counts to 100."""
    try:
        most = float(told.replace(",", "."))
    except ValueError:
        return  # empty, or Canvas's "(read only)"
    if most != assignment.points:
        raise PlatformError(
            f"{sheet}: it counts to {shown_points(most)}, and {assignment.name} has "
            f"{shown_points(assignment.points)} points; set that on the platform, export it again"
        )
