"""One submission in, one `Result` out.

Grading knows neither database nor parallelism. It lays a submission's answers into the source
notebooks, has the two rooms run them, and says what each graded cell earned.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from autograder.assignment import Assignment, Submission, exercise_of
from autograder.cells import Limits, Outcome, Place, Step
from autograder.examiner import names as examiner_names
from autograder.examiner import run_steps, source_names
from autograder.examiner.names import SourceNames
from autograder.notebooks import (
    Cell,
    NotebookError,
    Reconciled,
    SourceCell,
    SourceNotebook,
    autograded_notebook,
    match_notebooks,
    read_notebook,
    reconcile,
)
from autograder.sandbox.scratch import owned_name


class State(StrEnum):
    """What became of a submission."""

    GRADED = "graded"
    MANUAL = "needs manual grading"
    NOT_GRADED = "not graded"


@dataclass(frozen=True)
class CellGrade:
    """What one graded cell earned.

    Attributes:
        score: points earned; None if a person has to decide.
        state: what the examiner said ("ok", "failed", …), or "manual" or "no answer".
        message: one line for the student.
    """

    cell_id: str
    points: float
    score: float | None
    state: str
    message: str = ""


@dataclass(frozen=True)
class Exercise:
    """The cells of one exercise together; `score` is None if a person has to decide on one."""

    name: str
    score: float | None
    max_score: float
    message: str = ""


@dataclass
class NotebookResult:
    """One notebook, graded.

    Attributes:
        name: the source notebook's name.
        cells: the reconciled cells; empty if the notebook was not submitted.
        outcomes: what came of each code cell, by position.
        grades: one a graded cell of the source, in the source's order.
        unanswered: ids of answers that are still as released.
        notes: one line for each thing that was put right.
    """

    name: str
    cells: list[Cell] = field(default_factory=list)
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    grades: list[CellGrade] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    document: dict[str, Any] | None = None


@dataclass
class Result:
    """One submission, graded or not.

    Attributes:
        state: graded, in need of a person, or not graded.
        reason: why it is not graded, in one line ("" if it is).
        max_score: the points of the assignment.
        notes: one line for each thing that was put right or left out.
        author_problems: one line for each test that the examiner could not run as written.
        seconds: how long it took to grade.
    """

    student: str
    assignment: str
    state: State
    max_score: float
    reason: str = ""
    notebooks: list[NotebookResult] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    author_problems: list[str] = field(default_factory=list)
    seconds: float = field(default=0.0, compare=False)

    @property
    def score(self) -> float | None:
        """What the submission earned so far; None if it is not graded."""
        if self.state == State.NOT_GRADED:
            return None
        return sum(grade.score or 0.0 for grade in self.grades)

    @property
    def grades(self) -> list[CellGrade]:
        """The grades of all notebooks."""
        return [grade for notebook in self.notebooks for grade in notebook.grades]

    @property
    def exercises(self) -> list[Exercise]:
        """What each exercise earned, in order."""
        return exercises_of(self.grades)


class Grader:
    """Grades submissions of one assignment, one after the other.

    Args:
        assignment: what is graded.
        zygote: the warm process that rooms and examiners are forked from (`autograder.sandbox`).
        limits: what one submission may use.

    A context manager: the files beside the source notebooks lie in a temporary folder until its
    end, since helper modules of a test come from there.
    """

    def __init__(self, assignment: Assignment, zygote: Any, limits: Limits | None = None) -> None:
        self.assignment = assignment
        self.zygote = zygote
        self.limits = limits or Limits()
        self._folder = tempfile.TemporaryDirectory(prefix=f"{owned_name()}source-")
        self._source_folder = Path(self._folder.name)
        write_files(self._source_folder, assignment.files)
        self._names = {notebook.name: names_of(notebook) for notebook in assignment.notebooks}

    def __enter__(self) -> Self:
        """Nothing to open; the folder is there since construction."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Remove the temporary folder; the zygote is its owner's to stop."""
        self._folder.cleanup()

    def grade(self, submission: Submission) -> Result:
        """Grade one submission; what goes wrong with it is in the result, never raised."""
        began = time.monotonic()
        result = self._graded(submission)
        result.seconds = time.monotonic() - began
        return result

    def _graded(self, submission: Submission) -> Result:
        assignment = self.assignment
        result = Result(
            submission.student,
            assignment.name,
            State.NOT_GRADED,
            assignment.points,
            reason=submission.refused,
            notes=list(submission.notes),
        )
        if submission.refused:
            return result
        try:
            self._grade_notebooks(submission, result)
        except NotebookError as error:
            result.reason = str(error)
            result.notebooks = []
        return result

    def _grade_notebooks(self, submission: Submission, result: Result) -> None:
        where = submission.where
        read = {
            name: read_notebook(data, f"{where}/{name}.ipynb")
            for name, data in submission.notebooks.items()
            if name in {n.name for n in self.assignment.notebooks}
        }
        if len(read) < len(self.assignment.notebooks):
            read = {**_readable(submission, result), **read}
        found, notes = match_notebooks(self.assignment.notebooks, read)
        if not found and read:
            raise NotebookError(f"{where}/{notes[0]}")
        if not found:
            wanted = ", ".join(f"{n.name}.ipynb" for n in self.assignment.notebooks)
            raise NotebookError(f"{where}: no notebook of this assignment; submit {wanted}")
        result.notes += [f"{where}/{note}" for note in notes]
        with tempfile.TemporaryDirectory(prefix=owned_name()) as name:
            folder = Path(name)
            kept = {
                path: data
                for path, data in self.assignment.files.items()
                if path not in self.assignment.keep_files or path not in submission.files
            }
            write_files(folder, {**submission.files, **kept})
            for source in self.assignment.notebooks:
                if source.name not in found:
                    result.notebooks.append(_not_submitted(source))
                    continue
                file = f"{where}/{found[source.name]}.ipynb"
                laid = reconcile(source, read[found[source.name]], file)
                graded = self._grade_notebook(source, laid, folder)
                result.notes += [f"{file}: {note}" for note in laid.notes]
                result.notebooks.append(graded)
        self._conclude(result)

    def _grade_notebook(
        self, source: SourceNotebook, laid: Reconciled, folder: Path
    ) -> NotebookResult:
        steps = steps_of(laid.cells)
        outcomes = self._run(steps, source, folder) if steps else {}
        grades = {}
        unanswered = []
        for position, cell in enumerate(laid.cells):
            meant = cell.source
            if meant is None:
                continue
            answered = cell.text != meant.text and not cell.missing
            if meant.is_solution and not answered:
                unanswered.append(meant.id)
            if meant.is_test:
                grades[meant.id] = _test_grade(meant, outcomes[position])
            elif meant.is_manual:
                grades[meant.id] = _manual_grade(meant, answered or cell.missing)
        return NotebookResult(
            source.name,
            laid.cells,
            outcomes,
            [grades[id_] for id_ in source.by_id if id_ in grades],
            unanswered,
            laid.notes,
            autograded_notebook(
                source,
                laid.cells,
                {position: outcome.outputs for position, outcome in outcomes.items()},
            ),
        )

    def _run(
        self, steps: dict[int, Step], source: SourceNotebook, folder: Path
    ) -> dict[int, Outcome]:
        outcomes = run_steps(
            self.zygote,
            list(steps.values()),
            folder=folder,
            source_folder=self._source_folder,
            names=self._names[source.name],
            limits=self.limits,
        )
        return dict(zip(steps, outcomes, strict=True))

    def _conclude(self, result: Result) -> None:
        """Say what became of the submission, now that every cell has its grade."""
        result.author_problems = [
            f"{result.assignment}/{notebook.name}.ipynb: cell '{grade.cell_id}': {grade.message}"
            for notebook in result.notebooks
            for grade in notebook.grades
            if grade.state == "author error"
        ]
        if result.author_problems:
            result.reason = f"{result.author_problems[0]} (a fault of the test, not the student's)"
        elif any(grade.score is None for grade in result.grades):
            result.state = State.MANUAL
        else:
            result.state = State.GRADED


def steps_of(cells: Sequence[Cell]) -> dict[int, Step]:
    """The code cells in run order, by position: tests for the examiner, the rest for the room."""
    steps = {}
    for position, cell in enumerate(cells):
        if cell.cell_type != "code":
            continue
        meant = cell.source
        if meant is not None and meant.is_test:
            steps[position] = Step(meant.id, cell.text, Place.EXAMINER, meant.points)
        else:
            steps[position] = Step(cell.key or f"cell {position + 1}", cell.text, Place.ROOM)
    return steps


def names_of(source: SourceNotebook) -> SourceNames:
    """What the source notebook binds, for the examiner: as written, solutions included."""
    return source_names(
        [
            examiner_names.SourceCell(cell.key, cell.written, cell.is_grade, cell.is_solution)
            for cell in source.cells
            if cell.cell_type == "code"
        ]
    )


def exercises_of(grades: Sequence[CellGrade]) -> list[Exercise]:
    """Add the graded cells up to exercises, in order of their first cell."""
    together: dict[str, list[CellGrade]] = {}
    for grade in grades:
        together.setdefault(exercise_of(grade.cell_id), []).append(grade)
    return [
        Exercise(
            name,
            None if any(g.score is None for g in cells) else sum(g.score or 0.0 for g in cells),
            sum(g.points for g in cells),
            next((g.message for g in cells if g.message), ""),
        )
        for name, cells in together.items()
    ]


def write_files(folder: Path, files: dict[str, bytes]) -> None:
    """Write files into an empty folder; a file where another one needs a folder is left out."""
    for name, data in sorted(files.items()):
        path = folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            continue


def _readable(submission: Submission, result: Result) -> dict[str, dict[str, Any]]:
    """The submitted notebooks that can be read, when one of the assignment's is missing."""
    read = {}
    for name, data in submission.notebooks.items():
        try:
            read[name] = read_notebook(data, f"{submission.where}/{name}.ipynb")
        except NotebookError as error:
            result.notes.append(str(error))
    return read


def _test_grade(meant: SourceCell, outcome: Outcome) -> CellGrade:
    """A score is earned: only what the examiner said counts, and never more than the points."""
    if outcome.state == "author error":
        return CellGrade(meant.id, meant.points, None, outcome.state, outcome.message)
    score = min(max(outcome.score or 0.0, 0.0), meant.points)
    return CellGrade(meant.id, meant.points, score, outcome.state, outcome.message)


def _manual_grade(meant: SourceCell, answered: bool) -> CellGrade:
    """As in nbgrader, an answer left as released earns nothing, and a person grades the rest."""
    if answered or meant.is_task:
        return CellGrade(meant.id, meant.points, None, "manual")
    return CellGrade(meant.id, meant.points, 0.0, "no answer", "No answer was given.")


def _not_submitted(source: SourceNotebook) -> NotebookResult:
    """As in nbgrader, a missing notebook earns nothing and needs no person."""
    grades = [
        CellGrade(cell.id, cell.points, 0.0, "no answer", "The notebook was not submitted.")
        for cell in source.cells
        if cell.is_test or cell.is_manual
    ]
    return NotebookResult(source.name, grades=grades, notes=["the notebook was not submitted"])
