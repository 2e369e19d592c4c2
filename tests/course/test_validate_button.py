"""What nbgrader's Validate button says of each release notebook, through nbgrader's own validator.

`test_lab.py` presses the button itself, once.
"""

from __future__ import annotations

import ast
from pathlib import Path

import nbformat
import pytest
from nbgrader.validator import Validator
from traitlets.config import PyFileConfigLoader

from autograder.assignment import Assignment
from autograder.course import Course
from autograder.notebooks import SourceNotebook
from autograder.validate import Answer, answers_of, solution_cell

from .conftest import ROOT

pytestmark = pytest.mark.long  # a validation is a start of a kernel

ASSIGNMENTS = sorted(path.parent.name for path in ROOT.glob("release/*/[0-9]*.ipynb"))
# Not all: the grading contract runs every right and wrong answer.
SOLVED = ("01-what-is-virtualization", "20-application-server")
WRONG = [
    ("01-what-is-virtualization", "wrong_mean_for_median"),
    ("03-containers", "wrong_config_forgotten"),
]
solved = [
    pytest.param(name, marks=() if name in SOLVED else pytest.mark.slow) for name in ASSIGNMENTS
]


def source_of(assignment: Assignment) -> SourceNotebook:
    (source,) = assignment.notebooks
    return source


def validated(assignment: str, answers: dict[str, str], folder: Path) -> list[dict[str, str]]:
    """The failed cells of a released notebook with these answers, by cell id."""
    notebook = nbformat.read(ROOT / "release" / assignment / f"{assignment}.ipynb", as_version=4)
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        cell.source = answers.get(name, cell.source)
    path = folder / f"{assignment}.ipynb"
    nbformat.write(notebook, path)
    config = PyFileConfigLoader("nbgrader_config.py", str(ROOT)).load_config()
    where = Path.cwd()
    said: dict[str, list[dict[str, str]]] = Validator(config=config).validate(str(path))
    assert Path.cwd() == where
    # Neither a changed test, nor a changed kind of cell.
    assert set(said) <= {"failed"}
    return said.get("failed", [])


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_an_untouched_release_fails_in_each_visible_test(name: str, tmp_path: Path) -> None:
    source = source_of(Course(ROOT).assignment(name))
    # Of a hidden test only a comment is left.
    tests = [cell for cell in source.cells if cell.is_test and ast.parse(cell.released).body]
    failed = validated(name, {}, tmp_path)
    assert len(tests) >= 3
    assert [cell["source"] for cell in failed] == [cell.released.strip() for cell in tests]
    for cell in failed:
        # Its own place is shown: where the answer goes.
        assert "no answer yet" in cell["raw_error"].splitlines()[-1]
        assert "# YOUR CODE HERE" in cell["raw_error"]


@pytest.mark.parametrize("name", solved)
def test_the_reference_solution_is_a_success(name: str, tmp_path: Path) -> None:
    source = source_of(Course(ROOT).assignment(name))
    solutions = {cell.id: cell.written for cell in source.cells if cell.is_solution}
    assert len(solutions) >= 3
    assert validated(name, solutions, tmp_path) == []


def wrong_answer(assignment: str, name: str) -> Answer:
    (answer,) = (a for a in answers_of(Course(ROOT), assignment) if a.path.stem == name)
    return answer


@pytest.mark.parametrize(("assignment", "name"), WRONG)
def test_a_wrong_answer_is_told_what_to_try(assignment: str, name: str, tmp_path: Path) -> None:
    read = Course(ROOT).assignment(assignment)
    answer = wrong_answer(assignment, name)
    solutions = {cell.id: cell.written for cell in source_of(read).cells if cell.is_solution}
    cell = solution_cell(read, answer.exercise)
    (failed,) = validated(assignment, solutions | {cell: answer.code}, tmp_path)
    last = " ".join(failed["raw_error"].split())
    assert "AssertionError" in last
    assert answer.key("hint") in last
