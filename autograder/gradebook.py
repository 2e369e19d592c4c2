"""The only writer of nbgrader's gradebook, and what reads it whole.

Each submission is saved in one transaction through nbgrader's own models, so a killed run leaves
a submission either as it was or wholly graded. One grader at a time writes to a course: a file
lock beside the gradebook sees to it.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from nbformat import from_dict
from nbgrader import api
from nbgrader.preprocessors import AssignLatePenalties, SaveCells
from sqlalchemy import Engine, Row, create_engine, event, func, make_url, select
from sqlalchemy.exc import DatabaseError, SQLAlchemyError
from sqlalchemy.orm import Session, load_only, selectinload
from sqlalchemy.pool import NullPool

from autograder.assignment import Assignment, Submission
from autograder.course import Course
from autograder.grading import CellGrade, NotebookResult, Result
from autograder.notebooks import Cell, SourceNotebook, autograded_notebook

# How long to wait for a gradebook that another program is writing to.
BUSY_S = 10.0
# What nbgrader says of an answer that is still as released.
NO_RESPONSE = "No response."


class GradebookError(Exception):
    """Why the gradebook cannot be read or written, and what to do, in one line."""


@dataclass(frozen=True)
class Recorded:
    """What the gradebook holds for a submission, a person's scores and extra credit included.

    Attributes:
        grades: one a graded cell, in the source's order.
        penalty: points taken off for handing in late.
        before: what it held until this was saved; None if nothing, or if nothing was saved.
    """

    grades: list[CellGrade]
    penalty: float
    before: Recorded | None = None

    @property
    def score(self) -> float:
        """The points that count: what was earned so far, less the late penalty."""
        return sum(grade.score or 0.0 for grade in self.grades) - self.penalty

    @property
    def needs_person(self) -> bool:
        """True while a person has still to decide on a cell."""
        return any(grade.state == "manual" for grade in self.grades)


@dataclass
class Held:
    """All that a gradebook holds, read without a change to it.

    Attributes:
        students: everyone it knows, sorted.
        recorded: by assignment and student; grades in no order.
        unanswered: by assignment and student, ids of answers that are still as released.
    """

    students: list[str] = field(default_factory=list)
    recorded: dict[str, dict[str, Recorded]] = field(default_factory=dict)
    unanswered: dict[str, dict[str, set[str]]] = field(default_factory=dict)


def read_gradebook(course: Course) -> Held:
    """Read a course's whole gradebook; nothing is made, registered or written.

    Raises:
        GradebookError: if there is none, or it cannot be read.
    """
    where = course.database.removeprefix("sqlite:///")
    engine = _reading(course.database)
    held = Held()
    with _one_line_errors(where), Session(engine) as session:
        held.students = list(session.scalars(select(api.Student.id).order_by(api.Student.id)))
        for assignment, student, penalty in session.execute(_PENALTIES):
            of_class = held.recorded.setdefault(assignment, {})
            of_class[student] = Recorded([], penalty or 0.0)
        for row in session.execute(_GRADES):
            assignment, student, cell, points = row[:4]
            held.recorded[assignment][student].grades.append(_cell_grade(cell, points, row))
        for assignment, student, cell in session.execute(_UNANSWERED):
            of_student = held.unanswered.setdefault(assignment, {}).setdefault(student, set())
            of_student.add(cell)
    return held


@contextmanager
def course_lock(course: Course, say: Callable[[str], None]) -> Iterator[None]:
    """Hold the course for writing; if another grader holds it, say so and wait.

    The lock is on the folder itself, so nothing is left behind.
    """
    descriptor = os.open(course.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"{course.root}: another grader is at work in this course; waiting for its end")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


class Gradebook:
    """nbgrader's gradebook of a course, opened for one assignment.

    Args:
        course: whose gradebook it is.
        assignment: what is graded. Its cells are registered if the gradebook does not know them
            yet, or knows them otherwise, as `nbgrader generate_assignment` would.

    Raises:
        GradebookError: if it cannot be opened, or cannot take the assignment's cells.
    """

    def __init__(self, course: Course, assignment: Assignment) -> None:
        self.course = course
        self.assignment = assignment
        self.where = course.database.removeprefix("sqlite:///")
        with _one_line_errors(self.where), _scripts_on_path():
            self._api = api.Gradebook(course.database, course.directory.course_id)
            self._log_writes_ahead()
            self._register()
            self._cells = self._cell_rows()
        self._late = AssignLatePenalties(config=course.config)
        self._late.init_plugin()

    def __enter__(self) -> Self:
        """Nothing to open; the connection is there since construction."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connection, and leave the file as nbgrader makes it."""
        if self._api.engine.dialect.name == "sqlite":
            self._api.db.remove()
            with suppress(SQLAlchemyError), self._api.engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA journal_mode = DELETE")
        self._api.close()

    def save(self, result: Result, submission: Submission) -> Recorded:
        """Write what a submission earned, in one transaction.

        As in nbgrader, a score that a person gave stays, and is marked to be looked at again.

        Returns:
            What the gradebook now holds, nbgrader's late penalty included, and what it held.

        Raises:
            GradebookError: if it cannot be written; nothing of it is written then.
        """
        session = self._api.db
        with _one_line_errors(self.where):
            try:
                known = self._submission_row(result.student)
                before = None if known is None else self._recorded(known)
                row = known or self._new_submission(result.student)
                if submission.timestamp is not None:
                    row.timestamp = submission.timestamp
                for notebook in result.notebooks:
                    self._fill(self._notebook_row(row, notebook.name), notebook)
                session.add(row)
                for notebook_row in row.notebooks:
                    self._penalize(row, notebook_row)
                saved = replace(self._recorded(row), before=before)
                session.commit()
            except BaseException:
                session.rollback()
                raise
            finally:
                session.expunge_all()
        return saved

    def recorded(self, student: str) -> Recorded | None:
        """What the gradebook holds for the student's submission; None if nothing."""
        with _one_line_errors(self.where):
            row = self._submission_row(student)
            found = None if row is None else self._recorded(row)
            self._api.db.expunge_all()
            return found

    def _recorded(self, row: api.SubmittedAssignment) -> Recorded:
        grades = {grade.cell_id: grade for notebook in row.notebooks for grade in notebook.grades}
        return Recorded(
            [
                _cell_grade(
                    cell.id, cell.points, grades[self._cells[f"grade/{source.name}", cell.id]]
                )
                for source in self.assignment.notebooks
                for cell in source.cells
                if self._cells.get((f"grade/{source.name}", cell.id)) in grades
            ],
            sum(notebook.late_submission_penalty or 0.0 for notebook in row.notebooks),
        )

    def _log_writes_ahead(self) -> None:
        """Have SQLite write ahead: a commit then costs no wait for the disk (30 ms seen).

        What is committed outlives this process; after a power failure the last ones may be
        missing, and are graded again. While another program has the file open it stays as it is.
        """
        engine = self._api.engine
        if engine.dialect.name != "sqlite":
            return

        @event.listens_for(engine, "connect")
        def prepare(connection: sqlite3.Connection, _: object) -> None:
            connection.execute(f"PRAGMA busy_timeout = {int(BUSY_S * 1000)}")
            connection.execute("PRAGMA synchronous = NORMAL")

        self._api.db.remove()
        engine.dispose()
        with suppress(SQLAlchemyError), engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode = WAL")

    def _register(self) -> None:
        name = self.assignment.name
        try:
            known = self._api.find_assignment(name)
        except api.MissingEntry:
            known = self._api.add_assignment(name)
        gone = {row.name for row in known.notebooks} - {n.name for n in self.assignment.notebooks}
        for notebook in gone:
            if known.submissions:
                raise GradebookError(
                    f"{self.where}: knows {name}/{notebook}.ipynb, which is no longer in source/, "
                    "and holds submissions of it; put the notebook back"
                )
            self._api.remove_notebook(notebook, name)
        differ = [n for n in self.assignment.notebooks if not self._knows(n, known)]
        self._api.db.expunge_all()
        for notebook in differ:
            self._save_cells(notebook)

    def _knows(self, source: SourceNotebook, known: api.Assignment) -> bool:
        row = next((row for row in known.notebooks if row.name == source.name), None)
        if row is None:
            return False
        worth = {cell.name: cell.max_score for cell in [*row.grade_cells, *row.task_cells]}
        return {
            (cell.name, cell.source, cell.checksum, worth.get(cell.name, 0.0))
            for cell in row.source_cells
        } == {
            (id_, cell.text, cell.metadata["nbgrader"].get("checksum"), cell.points)
            for id_, cell in source.by_id.items()
        }

    def _save_cells(self, source: SourceNotebook) -> None:
        cells = [Cell(cell, cell.cell_type, cell.text) for cell in source.cells]
        resources = {
            "nbgrader": {
                "notebook": source.name,
                "assignment": self.assignment.name,
                "db_url": self.course.database,
            }
        }
        try:
            SaveCells(config=self.course.config).preprocess(
                from_dict(autograded_notebook(source, cells, {})), resources
            )
        except RuntimeError:
            raise GradebookError(
                f"{self.where}: holds submissions of {self.assignment.name}/{source.name}.ipynb "
                "graded with other cells; undo the change of cell ids in source/, or remove the "
                f"assignment with `nbgrader db assignment remove {self.assignment.name}`"
            ) from None

    def _cell_rows(self) -> dict[tuple[str, str], str]:
        """The gradebook's id for each graded or answered cell, by notebook and cell name."""
        row = self._api.find_assignment(self.assignment.name)
        self._assignment_row_id = row.id
        self._duedate_known = row.duedate is not None
        self._notebook_row_ids = {notebook.name: notebook.id for notebook in row.notebooks}
        ids: dict[tuple[str, str], str] = {}
        for notebook in row.notebooks:
            for kind, cells in (
                ("grade", [*notebook.grade_cells, *notebook.task_cells]),
                ("comment", [*notebook.solution_cells, *notebook.task_cells]),
            ):
                ids |= {(f"{kind}/{notebook.name}", cell.name): cell.id for cell in cells}
        self._api.db.expunge_all()
        return ids

    def _submission_row(self, student: str) -> api.SubmittedAssignment | None:
        # Without nbgrader's sums over cells: each is a query of its own for each row.
        submitted, notebook = api.SubmittedAssignment, api.SubmittedNotebook
        grade, comment = api.Grade, api.Comment
        notebooks = selectinload(submitted.notebooks)
        return self._api.db.scalars(
            select(submitted)
            .where(
                submitted.assignment_id == self._assignment_row_id,
                submitted.student_id == student,
            )
            .options(
                load_only(submitted.assignment_id, submitted.student_id, submitted.timestamp),
                notebooks.load_only(notebook.notebook_id, notebook.late_submission_penalty),
                notebooks.selectinload(notebook.grades).load_only(
                    grade.cell_id,
                    grade.auto_score,
                    grade.manual_score,
                    grade.extra_credit,
                    grade.needs_manual_grade,
                ),
                notebooks.selectinload(notebook.comments).load_only(
                    comment.cell_id, comment.auto_comment
                ),
            )
        ).one_or_none()

    def _new_submission(self, student: str) -> api.SubmittedAssignment:
        session = self._api.db
        if session.get(api.Student, student) is None:
            session.add(api.Student(id=student))
        row = api.SubmittedAssignment(assignment_id=self._assignment_row_id, student_id=student)
        session.add(row)
        return row

    def _notebook_row(
        self, submission: api.SubmittedAssignment, name: str
    ) -> api.SubmittedNotebook:
        id_ = self._notebook_row_ids[name]
        for notebook in submission.notebooks:
            if notebook.notebook_id == id_:
                return notebook
        return api.SubmittedNotebook(notebook_id=id_, assignment=submission)

    def _fill(self, row: api.SubmittedNotebook, notebook: NotebookResult) -> None:
        """Put a notebook's grades and comments into its rows, making those that are not there."""
        grades = {grade.cell_id: grade for grade in row.grades}
        for given in notebook.grades:
            id_ = self._cells[f"grade/{notebook.name}", given.cell_id]
            grade = grades.get(id_) or api.Grade(cell_id=id_, notebook=row)
            grade.auto_score = given.score
            grade.needs_manual_grade = given.score is None or grade.manual_score is not None
        comments = {comment.cell_id: comment for comment in row.comments}
        for (kind, name), id_ in self._cells.items():
            if kind == f"comment/{notebook.name}":
                comment = comments.get(id_) or api.Comment(cell_id=id_, notebook=row)
                comment.auto_comment = NO_RESPONSE if name in notebook.unanswered else None

    def _penalize(
        self, submission: api.SubmittedAssignment, notebook: api.SubmittedNotebook
    ) -> None:
        """Ask nbgrader's late-submission plugin, and keep its answer between 0 and the score."""
        notebook.late_submission_penalty = None
        if submission.timestamp is None or not self._duedate_known:
            return
        self._api.db.flush()
        late = submission.total_seconds_late
        if not late:
            return
        self._api.db.refresh(notebook, ["score"])
        penalty = self._late.plugin_inst.late_submission_penalty(
            submission.student_id, notebook.score, late
        )
        if penalty is not None:
            notebook.late_submission_penalty = min(max(penalty, 0.0), notebook.score)


def _cell_grade(cell: str, points: float, row: api.Grade | Row[Any]) -> CellGrade:
    """What counts for a cell: a person's score before the automatic one, plus extra credit."""
    given = row.auto_score if row.manual_score is None else row.manual_score
    score = None if given is None else given + (row.extra_credit or 0.0)
    state = "manual" if row.needs_manual_grade else "recorded"
    return CellGrade(cell, points, score, state)


def _reading(database: str) -> Engine:
    """An engine that cannot write to the gradebook, if it is a file."""
    url = make_url(database)
    if url.get_backend_name() != "sqlite" or not url.database:
        return create_engine(url, poolclass=NullPool)
    path = Path(url.database)
    if not path.is_file():
        raise GradebookError(f"{path}: no gradebook yet; run `autograder grade ASSIGNMENT` first")
    address = f"file:{quote(str(path))}?mode=ro"
    return create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(address, uri=True, timeout=BUSY_S),
        poolclass=NullPool,
    )


# Plain columns of nbgrader's models: its own sums over cells are a query of their own for each row.
_submitted = (
    select(api.Assignment.name, api.SubmittedAssignment.student_id)
    .select_from(api.SubmittedNotebook)
    .join(
        api.SubmittedAssignment, api.SubmittedNotebook.assignment_id == api.SubmittedAssignment.id
    )
    .join(api.Assignment, api.SubmittedAssignment.assignment_id == api.Assignment.id)
)
_cells, _grade_cells, _task_cells = (
    kind.__table__ for kind in (api.BaseCell, api.GradeCell, api.TaskCell)
)
_PENALTIES = _submitted.add_columns(
    func.sum(api.SubmittedNotebook.late_submission_penalty)
).group_by(api.Assignment.name, api.SubmittedAssignment.student_id)
_GRADES = (
    _submitted.join(api.Grade, api.Grade.notebook_id == api.SubmittedNotebook.id)
    .join(_cells, _cells.c.id == api.Grade.cell_id)
    .outerjoin(_grade_cells, _grade_cells.c.id == _cells.c.id)
    .outerjoin(_task_cells, _task_cells.c.id == _cells.c.id)
    .add_columns(
        _cells.c.name,
        func.coalesce(_grade_cells.c.max_score, _task_cells.c.max_score, 0.0),
        api.Grade.auto_score,
        api.Grade.manual_score,
        api.Grade.extra_credit,
        api.Grade.needs_manual_grade,
    )
)
_UNANSWERED = (
    _submitted.join(api.Comment, api.Comment.notebook_id == api.SubmittedNotebook.id)
    .join(_cells, _cells.c.id == api.Comment.cell_id)
    .where(api.Comment.auto_comment == NO_RESPONSE)
    .add_columns(_cells.c.name)
)


@contextmanager
def _one_line_errors(where: str) -> Iterator[None]:
    try:
        yield
    except DatabaseError as error:
        raise GradebookError(_explain(where, str(error.orig))) from None
    except (SQLAlchemyError, api.InvalidEntry) as error:
        raise GradebookError(_explain(where, str(error))) from None


def _explain(where: str, problem: str) -> str:
    remedies = {
        "locked": "another program holds it; close Formgrader's page and grade again",
        "readonly": "make the file and its folder writable, or grade a copy of the course",
        "unable to open": "make its folder, and make it writable",
        "full": "free some space and grade again: what is graded is kept",
        "not a database": "not a gradebook; move it away and grade again",
        "malformed": "damaged; restore a backup, or move it away and grade again",
        "no such": "made by another version; run `nbgrader db upgrade`",
    }
    short = " ".join(problem.split())[:200]
    remedy = next((tell for sign, tell in remedies.items() if sign in short), "restore a backup")
    return f"{where}: {short}; {remedy}"


@contextmanager
def _scripts_on_path() -> Iterator[None]:
    """Nbgrader calls `alembic` by name when it makes a gradebook: let it find our environment's."""
    before = os.environ.get("PATH", "")
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), before])
    try:
        yield
    finally:
        os.environ["PATH"] = before
