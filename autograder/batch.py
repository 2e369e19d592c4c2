"""Grading a class: from `submitted/` to the gradebook, `autograded/` and `feedback/`.

A submission is done when its `autograded/` folder is in place, which is the last thing written;
its mark holds what was graded with what. A run that was killed goes on where it was, and grades
again whatever had not come that far.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from autograder.assignment import Assignment, Submission
from autograder.course import Course
from autograder.executors import Run
from autograder.feedback import feedback_pages
from autograder.gradebook import Gradebook, GradebookError, Recorded
from autograder.grading import Exercise, Result, State, exercises_of, write_files
from autograder.notebooks import write_notebook

MARK = ".autograder"
# What nbgrader's exchange adds to a submission.
OF_EXCHANGE = ("timestamp.txt", "submission_secret.txt")


@dataclass(frozen=True)
class Change:
    """A score that grading again changed; None where a person had, or has, to decide.

    Attributes:
        name: the exercise's, or "late_penalty".
    """

    name: str
    before: float | None
    now: float | None


@dataclass(frozen=True)
class Row:
    """One line of the table at the end.

    Attributes:
        state: "graded", "needs manual grading", or "not graded: why".
        score: points that count, late penalty taken off; None if not graded.
        notes: one line for each thing that a person should know.
        kept: True if it was graded before and nothing has changed.
        before: the score until now; None if it was not graded before.
        changes: what grading it again changed, in the order of the exercises.
    """

    student: str
    assignment: str
    score: float | None
    max_score: float
    state: str
    exercises: list[Exercise] = field(default_factory=list)
    late_penalty: float = 0.0
    notes: tuple[str, ...] = ()
    kept: bool = False
    before: float | None = None
    changes: tuple[Change, ...] = ()

    @property
    def graded(self) -> bool:
        """False if the submission could not be graded."""
        return not self.state.startswith(State.NOT_GRADED)

    def as_json(self) -> dict[str, Any]:
        """The row as `--format json` prints it."""
        row = asdict(self)
        return row | {name: list(row[name]) for name in ("notes", "changes")}


def grade_class(
    course: Course,
    assignment: Assignment,
    run: Run,
    *,
    students: Sequence[str] = (),
    force: bool = False,
    started: Callable[[int], None] = lambda total: None,
) -> Iterator[Row]:
    """Grade the submissions of an assignment, and yield a row as each is done.

    Args:
        course: the course; the caller holds its lock.
        assignment: what is graded.
        run: grades submissions (see `autograder.executors`).
        students: only these; empty means all who handed in.
        force: also those that are graded already.
        started: called once with the number of submissions.

    Raises:
        CourseError: if a student's name would lead out of the course.
        GradebookError: if the gradebook cannot be opened. What fails for one submission is in
            its row instead.
    """
    chosen = list(dict.fromkeys(students)) or course.students(assignment.name)
    for student in chosen:
        course.folder("submitted", student, assignment.name)
    started(len(chosen))
    limits = course.limits()
    with Gradebook(course, assignment) as gradebook:
        under_way: dict[str, Submission] = {}
        kept: list[Row] = []

        def to_grade() -> Iterator[Submission]:
            for student in chosen:
                submission = course.submission(student, assignment.name)
                row = None if force else _kept(course, gradebook, assignment, submission)
                if row is None:
                    under_way[student] = submission
                    yield submission
                else:
                    kept.append(row)

        for result in run(assignment, to_grade(), limits):
            yield from kept
            kept.clear()
            yield _record(course, gradebook, assignment, under_way.pop(result.student), result)
        yield from kept


def row_of(result: Result) -> Row:
    """The row of a result that no gradebook knows of."""
    if result.state == State.NOT_GRADED:
        return _not_graded(result, result.reason)
    return Row(
        result.student,
        result.assignment,
        result.score,
        result.max_score,
        str(result.state),
        result.exercises,
        notes=tuple(result.notes),
    )


def _kept(
    course: Course, gradebook: Gradebook, assignment: Assignment, submission: Submission
) -> Row | None:
    """The row of a submission that is graded already as it stands; None if it is not."""
    folder = course.folder("autograded", submission.student, assignment.name)
    try:
        if (folder / MARK).read_text(encoding="utf-8") != _mark(assignment, submission):
            return None
        recorded = gradebook.recorded(submission.student)
    except (OSError, ValueError, GradebookError):
        return None
    if recorded is None:
        return None
    return _row(submission, assignment, recorded, {}, (), kept=True)


def _record(
    course: Course,
    gradebook: Gradebook,
    assignment: Assignment,
    submission: Submission,
    result: Result,
) -> Row:
    """Write a result down: gradebook, then feedback, then `autograded/`, which says it is done."""
    try:
        recorded = gradebook.save(result, submission) if result.notebooks else None
        penalty = recorded.penalty if recorded else 0.0
        _write_feedback(course, result, feedback_pages(result, penalty))
        _keep_for_exchange(course, submission)
        if result.notebooks:
            _write_autograded(course, assignment, submission, result)
    except GradebookError as error:
        return _not_graded(result, str(error))
    except OSError as error:
        where = course.shown(Path(error.filename)) if error.filename else str(course.root)
        return _not_graded(
            result, f"{where}: {error.strerror}; make room or make it writable, and grade again"
        )
    if recorded is None or result.state == State.NOT_GRADED:
        return _not_graded(result, result.reason)
    messages = {exercise.name: exercise.message for exercise in result.exercises}
    return _row(submission, assignment, recorded, messages, tuple(result.notes))


def _row(
    submission: Submission,
    assignment: Assignment,
    recorded: Recorded,
    messages: dict[str, str],
    notes: tuple[str, ...],
    kept: bool = False,
) -> Row:
    exercises = [
        Exercise(e.name, e.score, e.max_score, messages.get(e.name, ""))
        for e in exercises_of(recorded.grades)
    ]
    state = State.MANUAL if recorded.needs_person else State.GRADED
    return Row(
        submission.student,
        assignment.name,
        recorded.score,
        assignment.points,
        str(state),
        exercises,
        recorded.penalty,
        notes,
        kept,
        None if recorded.before is None else recorded.before.score,
        tuple(_changes(recorded)),
    )


def _changes(recorded: Recorded) -> Iterator[Change]:
    """What was saved and differs from what the gradebook held before."""
    if recorded.before is None:
        return
    earlier = {e.name: e.score for e in exercises_of(recorded.before.grades)}
    for exercise in exercises_of(recorded.grades):
        before = earlier.get(exercise.name)
        if exercise.score != before:
            yield Change(exercise.name, before, exercise.score)
    if recorded.penalty != recorded.before.penalty:
        yield Change("late_penalty", recorded.before.penalty, recorded.penalty)


def _not_graded(result: Result, reason: str) -> Row:
    return Row(
        result.student,
        result.assignment,
        None,
        result.max_score,
        f"{State.NOT_GRADED}: {reason}",
        notes=tuple(result.notes),
    )


def _mark(assignment: Assignment, submission: Submission) -> str:
    both = f"{assignment.digest} {submission.digest}"
    return hashlib.sha256(both.encode()).hexdigest()


def _write_feedback(course: Course, result: Result, pages: dict[str, str]) -> None:
    if not result.student.isprintable():
        return
    folder = course.folder("feedback", result.student, result.assignment)
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {f"{name}.html" for name in pages}
    for old in folder.glob("*.html"):
        if old.name not in wanted:
            old.unlink()
    for name, page in pages.items():
        partial = folder / f".{name}.partial"
        partial.write_text(page, encoding="utf-8")
        partial.replace(folder / f"{name}.html")


def _keep_for_exchange(course: Course, submission: Submission) -> None:
    """Put beside the feedback what nbgrader's exchange put beside the submission.

    `nbgrader release_feedback` reads there whose the page is.
    """
    folder = course.folder("feedback", submission.student, submission.assignment)
    if not folder.is_dir():
        return
    for name in OF_EXCHANGE:
        (folder / name).unlink(missing_ok=True)
        if name in submission.files:
            (folder / name).write_bytes(submission.files[name])


def _write_autograded(
    course: Course, assignment: Assignment, submission: Submission, result: Result
) -> None:
    """Put the autograded folder in place in one step, files read-only as nbgrader leaves them."""
    folder = course.folder("autograded", result.student, result.assignment)
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = folder.with_name(f".{folder.name}.partial")
    old = folder.with_name(f".{folder.name}.old")
    for leftover in (partial, old):
        shutil.rmtree(leftover, ignore_errors=True)
    partial.mkdir()
    own = {
        name: data
        for name, data in assignment.files.items()
        if name not in assignment.keep_files or name not in submission.files
    }
    handed_in = {n: data for n, data in submission.files.items() if n.split("/")[0] != MARK}
    write_files(partial, {**handed_in, **own})
    for notebook in result.notebooks:
        if notebook.document is not None:
            text = write_notebook(notebook.document)
            (partial / f"{notebook.name}.ipynb").write_text(text, encoding="utf-8")
    # A submission that a test could not judge is not done: the next run grades it again.
    if result.state != State.NOT_GRADED:
        (partial / MARK).write_text(_mark(assignment, submission), encoding="utf-8")
    mode = 0o664 if course.directory.groupshared else 0o444
    for parent, _, names in os.walk(partial):
        for name in names:
            (Path(parent) / name).chmod(mode)
    if folder.exists():
        folder.rename(old)
    partial.rename(folder)
    shutil.rmtree(old, ignore_errors=True)
