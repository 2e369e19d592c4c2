"""Damaged notebooks: never a traceback, never a lost score."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import autograder
from autograder.assignment import Submission
from autograder.cells import Limits
from autograder.course import Course
from autograder.executors import grade_one
from autograder.feedback import feedback_pages
from autograder.grading import State
from autograder.notebooks import NotebookError, read_notebook, reconcile
from autograder.validate import answered

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
GRADER = str(Path(autograder.__file__).parent)
FIXTURES = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@st.composite
def damaged(draw, notebook):
    """The notebook with some values, anywhere in it, replaced, deleted, doubled or swapped."""
    found = copy.deepcopy(notebook)
    for _ in range(draw(st.integers(1, 4))):
        spot = found
        while isinstance(spot, dict | list) and spot:
            keys = sorted(spot) if isinstance(spot, dict) else list(range(len(spot)))
            key = draw(st.sampled_from(keys))
            deeper = isinstance(spot[key], dict | list) and spot[key]
            if deeper and draw(st.integers(0, 4)):
                spot = spot[key]
                continue
            damage = draw(st.sampled_from(["replace", "delete", "double", "swap"]))
            other = draw(st.sampled_from(keys))
            if damage == "replace":
                spot[key] = draw(JSON)
            elif damage == "delete":
                del spot[key]
            elif damage == "double" and isinstance(spot, list):
                spot.insert(other, copy.deepcopy(spot[key]))
            else:
                spot[key], spot[other] = spot[other], spot[key]
            break
    return found


@pytest.fixture
def assignment(course_folder):
    return Course(course_folder).assignment("ps")


@pytest.fixture
def handed_in(assignment, right):
    submission = answered(assignment, "ann", right, reference=False)
    return json.loads(submission.notebooks["ps"])


def check_reconciling(assignment, notebook):
    """One line, or each cell of the source once and locked ones with the source's text."""
    (source,) = assignment.notebooks
    try:
        laid = reconcile(source, read_notebook(json.dumps(notebook).encode(), "x"), "x")
    except NotebookError as error:
        message = str(error)
        assert "\n" not in message
        return
    present = [cell.source.id for cell in laid.cells if cell.source]
    assert sorted(present) == sorted(source.by_id)
    for cell in laid.cells:
        if cell.source and cell.source.is_fixed:
            assert cell.text == cell.source.text


def check_grading(assignment, notebook, right):
    """A named state; and all points if both answers are still there as code, in their order."""
    data = json.dumps(notebook).encode()
    submission = Submission("ann", "ps", "submitted/ann/ps", {"ps": data})
    result = grade_one(assignment, submission, Limits(cell_wall_s=10))
    # A cell of the student's that fails shows Python's traceback; never one of the grader's code.
    assert GRADER not in "".join(feedback_pages(result).values())
    if result.state == State.NOT_GRADED:
        assert "\n" not in result.reason
        assert "the grader failed" not in result.reason
        return
    code = [c["source"] for c in read_notebook(data, "x")["cells"] if c["cell_type"] == "code"]
    if all(right[name] in code for name in ("double", "total")) and _in_order(notebook):
        assert result.score == 5


def _in_order(notebook):
    """No test was moved before its answer."""
    cells = read_notebook(json.dumps(notebook).encode(), "x")["cells"]
    ids = [c["metadata"].get("nbgrader", {}) for c in cells]
    ids = [i.get("grade_id") if isinstance(i, dict) else None for i in ids]
    known = [i for i in ids if isinstance(i, str)]
    order = ["double", "double-check", "double-hidden", "total", "total-check"]
    kept = [i for i in known if i in order]
    return kept == [i for i in order if i in kept] and len(set(kept)) == len(kept)


@settings(max_examples=150, deadline=None, suppress_health_check=FIXTURES)
@given(data=st.data())
def test_a_damaged_notebook_is_reconciled_or_refused(assignment, handed_in, data):
    check_reconciling(assignment, data.draw(damaged(handed_in)))


@settings(max_examples=12, deadline=None, suppress_health_check=FIXTURES)
@given(data=st.data())
def test_a_damaged_notebook_is_graded_or_not_by_name(assignment, handed_in, right, rooms, data):
    check_grading(assignment, data.draw(damaged(handed_in)), right)


@pytest.mark.slow
@settings(max_examples=1000, deadline=None, suppress_health_check=FIXTURES)
@given(data=st.data())
def test_a_thousand_damaged_notebooks(assignment, handed_in, right, rooms, data):
    notebook = data.draw(damaged(handed_in))
    check_reconciling(assignment, notebook)
    check_grading(assignment, notebook, right)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_a_notebook_or_one_line(data):
    try:
        read_notebook(data, "x")
    except NotebookError as error:
        message = str(error)
        assert message.startswith("x: ")
        assert "\n" not in message
