"""Small courses to grade, made afresh for each test."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from autograder import executors
    from autograder.assignment import Assignment, Submission
    from autograder.grading import Result

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def cell(kind: str, source: str, id_: str = "", **flags: Any) -> dict[str, Any]:
    """A notebook cell; with an id, one that nbgrader knows, with `flags` as its metadata."""
    metadata: dict[str, Any] = {}
    if id_:
        metadata["nbgrader"] = {
            "grade": False,
            "grade_id": id_,
            "locked": False,
            "schema_version": 3,
            "solution": False,
            "task": False,
            **flags,
        }
    made = {"cell_type": kind, "id": id_ or "x", "metadata": metadata, "source": source}
    if kind == "code":
        made |= {"execution_count": None, "outputs": []}
    return made


def notebook(*cells: dict[str, Any], kernel: dict[str, str] | None = None) -> dict[str, Any]:
    """A notebook of these cells, each with an id of its own."""
    for number, made in enumerate(cells):
        made["id"] = f"{made['id']}-{number}"
    return {
        "cells": list(cells),
        "metadata": {"kernelspec": kernel or KERNEL},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def source_notebook() -> dict[str, Any]:
    """Two exercises of 3 and 2 points with hidden tests, and a question of 2 for a person."""
    return notebook(
        cell("markdown", "# Double it\nWrite `double(x)`.", "double-prompt", locked=True),
        cell("code", "import math\nFACTOR = 2"),
        cell(
            "code",
            "def double(x):\n    ### BEGIN SOLUTION\n    twice_the_value = FACTOR * x\n"
            "    return twice_the_value\n    ### END SOLUTION",
            "double",
            solution=True,
        ),
        cell(
            "code",
            "assert double(2) == 4, f'double(2) gave {double(2)!r}, 4 is right; multiply by 2'",
            "double-check",
            grade=True,
            locked=True,
            points=1,
        ),
        cell(
            "code",
            "### BEGIN HIDDEN TESTS\nsecret_argument = -12345\n"
            "assert double(secret_argument) == 2 * secret_argument, 'negative numbers double too'\n"
            "### END HIDDEN TESTS",
            "double-hidden",
            grade=True,
            locked=True,
            points=2,
        ),
        cell("markdown", "# Add them\nWrite `total(numbers)`.", "total-prompt", locked=True),
        cell(
            "code",
            "def total(numbers):\n    ### BEGIN SOLUTION\n"
            "    return sum(number for number in numbers)\n    ### END SOLUTION",
            "total",
            solution=True,
        ),
        cell(
            "code",
            "assert total([1, 2]) == 3, 'the total of 1 and 2 is 3; add all numbers'\n"
            "### BEGIN HIDDEN TESTS\nassert total([]) == 0, 'nothing adds up to 0'\n"
            "### END HIDDEN TESTS",
            "total-check",
            grade=True,
            locked=True,
            points=2,
        ),
        cell(
            "markdown",
            "Because doubling is adding a number to itself.",
            "why",
            grade=True,
            solution=True,
            points=2,
        ),
    )


@pytest.fixture
def course_folder(tmp_path: Path) -> Path:
    """A course with the one assignment `ps` and no submission."""
    root = tmp_path / "course"
    write(root / "source" / "ps" / "ps.ipynb", source_notebook())
    (root / "source" / "ps" / "data.csv").write_text("a,b\n1,2\n")
    (root / "nbgrader_config.py").write_text("c = get_config()\n")
    return root


@pytest.fixture
def submit(course_folder: Path) -> Callable[..., Path]:
    """Hand in a notebook for a student: the released one with these answers, or the one given."""

    def hand_in(
        student: str,
        answers: dict[str, str] | None = None,
        *,
        assignment: str = "ps",
        name: str | None = None,
        given: dict[str, Any] | bytes | None = None,
    ) -> Path:
        from autograder.course import Course
        from autograder.validate import answered

        path = course_folder / "submitted" / student / assignment / f"{name or assignment}.ipynb"
        if given is None:
            read = Course(course_folder).assignment(assignment)
            made = answered(read, student, answers or {}, reference=False)
            given = next(iter(made.notebooks.values()))
        write(path, given)
        return path

    return hand_in


def write(path: Path, content: dict[str, Any] | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    path.write_bytes(data)


RIGHT = {
    "double": "def double(x):\n    return x + x",
    "total": "def total(numbers):\n    return sum(numbers)",
    "why": "It is.",
}


@pytest.fixture
def right() -> dict[str, str]:
    """Right answers to `ps`."""
    return dict(RIGHT)


@pytest.fixture(scope="session")
def empty_gradebook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gradebook without entries; making one takes seconds, copying it none.

    Where tests run in several processes, these share it.
    """
    from nbgrader.api import Gradebook

    from autograder.gradebook import _scripts_on_path

    several = "PYTEST_XDIST_WORKER" in os.environ
    base = tmp_path_factory.getbasetemp()
    path = (base.parent if several else base) / "empty-gradebook.db"
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            made = path.with_suffix(".new")
            with _scripts_on_path(), Gradebook(f"sqlite:///{made}", ""):
                pass
            made.rename(path)
    return path


@pytest.fixture
def with_gradebook(course_folder: Path, empty_gradebook: Path) -> Path:
    """The course with an empty gradebook."""
    shutil.copy(empty_gradebook, course_folder / "gradebook.db")
    return course_folder


@pytest.fixture
def judged() -> Callable[..., Result]:
    """A result with given points by cell id, as grading would return it; others earn nothing."""

    def judge(
        assignment: Assignment,
        submission: Submission,
        scores: dict[str, float | None],
        outputs: list[dict[str, Any]] | None = None,
        message: str = "",
    ) -> Result:
        from autograder.cells import Outcome
        from autograder.grading import CellGrade, NotebookResult, Result, State
        from autograder.notebooks import autograded_notebook, read_notebook, reconcile

        result = Result(submission.student, assignment.name, State.GRADED, assignment.points)
        for source in assignment.notebooks:
            laid = reconcile(source, read_notebook(submission.notebooks[source.name], "x"), "x")
            grades = [
                CellGrade(c.id, c.points, scores.get(c.id, 0.0), "ok", message)
                for c in source.cells
                if c.is_test or c.is_manual
            ]
            outcomes = {
                position: Outcome(cell.source.id if cell.source else "", "ok", outputs or [])
                for position, cell in enumerate(laid.cells)
                if cell.cell_type == "code"
            }
            unanswered = [
                cell.source.id
                for cell in laid.cells
                if cell.source and cell.source.is_solution and cell.text == cell.source.text
            ]
            document = autograded_notebook(source, laid.cells, {})
            result.notebooks.append(
                NotebookResult(source.name, laid.cells, outcomes, grades, unanswered, [], document)
            )
        if any(grade.score is None for grade in result.grades):
            result.state = State.MANUAL
        return result

    return judge


@pytest.fixture(scope="session")
def worker() -> Iterator[executors._Worker]:
    """One warm grading process for all tests; skips where the host cannot build rooms."""
    from autograder import executors
    from autograder.sandbox import SandboxUnavailable

    try:
        started = executors._Worker(unsafe=False)
    except SandboxUnavailable as error:
        pytest.skip(str(error))
    yield started
    started.close()


@pytest.fixture
def rooms(worker: executors._Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Has everything that grades in this process use the one warm process of the tests."""
    from autograder import executors

    monkeypatch.setattr(executors, "_worker", worker)
    monkeypatch.setattr(executors, "stop_worker", lambda: None)


@pytest.fixture
def grade(course_folder: Path, rooms: None) -> Callable[..., Result]:
    """Grade one student's submission of `ps`, for real."""
    from autograder.cells import Limits
    from autograder.course import Course
    from autograder.executors import grade_one

    def run(student: str, **limits: Any) -> Result:
        course = Course(course_folder)
        assignment = course.assignment("ps")
        return grade_one(assignment, course.submission(student, "ps"), Limits(**limits))

    return run
