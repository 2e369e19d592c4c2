from __future__ import annotations

import json

import pytest

from autograder.feedback import feedback_pages
from autograder.grading import State, exercises_of


def scores(result):
    return {grade.cell_id: grade.score for grade in result.grades}


def add_cell(path, source, position=0):
    notebook = json.loads(path.read_text())
    cell = {"cell_type": "code", "id": "own", "metadata": {}, "source": source}
    notebook["cells"].insert(position, cell | {"outputs": [], "execution_count": None})
    path.write_text(json.dumps(notebook))


def test_untouched_release_earns_nothing(submit, grade):
    submit("ann")
    result = grade("ann")
    assert result.state == State.GRADED
    assert set(scores(result).values()) == {0.0}
    assert result.notebooks[0].unanswered == ["double", "total", "why"]


def test_right_submission_earns_all_that_a_machine_can_give(submit, grade, right):
    submit("ann", right)
    result = grade("ann")
    assert scores(result) == {
        "double-check": 1,
        "double-hidden": 2,
        "total-check": 2,
        "why": None,
    }
    assert result.state == State.MANUAL
    assert (result.score, result.max_score) == (5, 7)
    assert result.notes == []


def test_wrong_answer_costs_its_tests_and_says_what_was_seen(submit, grade, right):
    submit("ann", right | {"double": "def double(x):\n    return abs(x) * 2"})
    result = grade("ann")
    assert scores(result)["double-check"] == 1
    assert scores(result)["double-hidden"] == 0
    html = feedback_pages(result)["ps"]
    assert "negative numbers double too" in html
    assert "12345" not in html
    assert "secret_argument" not in html


@pytest.mark.long
@pytest.mark.parametrize(
    "code",
    [
        "while True: pass",
        "import time; time.sleep(1000)",
        "import os; os._exit(0)",
        "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
        "hoard = []\nwhile True: hoard.append(bytearray(50_000_000))",
        "raise SystemExit",
        "exit()",
    ],
)
def test_cell_that_ends_its_process_costs_only_itself(submit, grade, right, code):
    add_cell(submit("ann", right), code)
    result = grade("ann", cell_wall_s=2.0, memory_bytes=400_000_000)
    assert result.state == State.MANUAL
    assert result.score == 5


@pytest.mark.long
def test_exercise_that_never_ends_costs_only_itself(submit, grade, right):
    submit("ann", right | {"double": "def double(x):\n    while True: pass"})
    result = grade("ann", cell_wall_s=1.0)
    assert scores(result) == {"double-check": 0, "double-hidden": 0, "total-check": 2, "why": None}
    assert all(grade.message for grade in result.grades if grade.score == 0)


def test_time_for_the_whole_submission_ends_it_as_a_state(submit, grade, right):
    add_cell(submit("ann", right), "import time; time.sleep(1000)")
    result = grade("ann", cell_wall_s=30.0, total_wall_s=1.0)
    assert {g.state for g in result.grades if g.cell_id != "why"} == {"not run"}
    assert "time" in result.exercises[0].message


def test_files_of_the_student_and_the_source_are_there(submit, grade, right):
    path = submit("ann", right | {"total": "total = lambda n: sum(n) if open('own.txt') else 0"})
    (path.parent / "own.txt").write_text("mine")
    add_cell(path, "assert open('data.csv').read() == 'a,b\\n1,2\\n'")
    result = grade("ann")
    assert scores(result)["total-check"] == 2
    assert result.notebooks[0].outcomes[0].state == "ok"


def test_test_cell_that_the_student_deleted_or_changed_is_graded(submit, grade, right):
    path = submit("ann", right | {"double": "def double(x):\n    return 0"})
    notebook = json.loads(path.read_text())
    ids = [c["metadata"].get("nbgrader", {}).get("grade_id") for c in notebook["cells"]]
    notebook["cells"][ids.index("double-check")]["source"] = "1"
    del notebook["cells"][ids.index("double-hidden")]
    path.write_text(json.dumps(notebook))
    result = grade("ann")
    assert scores(result)["double-check"] == 0
    assert scores(result)["double-hidden"] == 0
    assert len(result.notes) == 2
    assert all(note.startswith("submitted/ann/ps/ps.ipynb: ") for note in result.notes)


@pytest.mark.parametrize("tag", ["skip-execution", "raises-exception"])
def test_tags_change_nothing(submit, grade, right, tag):
    path = submit("ann", right | {"double": "def double(x):\n    return 0"})
    notebook = json.loads(path.read_text())
    for cell in notebook["cells"]:
        cell["metadata"]["tags"] = [tag]
    path.write_text(json.dumps(notebook))
    assert scores(grade("ann"))["double-check"] == 0


def test_answer_in_a_cell_of_ones_own_counts(submit, grade, right):
    path = submit("ann", right)
    notebook = json.loads(path.read_text())
    notebook["cells"] = [
        {**cell, "metadata": {}} for cell in notebook["cells"] if "assert" not in cell["source"]
    ]
    path.write_text(json.dumps(notebook))
    assert grade("ann").score == 5


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty"),
        (b"{oops", "not JSON"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b'{"nbformat": 9, "cells": []}', "format 9"),
        (b'{"nbformat": 4, "metadata": {}, "cells": []}', "none of the cells"),
    ],
)
def test_what_cannot_be_graded_is_a_state_and_no_zero(submit, grade, data, why):
    submit("ann", given=data)
    result = grade("ann")
    assert result.state == State.NOT_GRADED
    assert result.score is None
    assert result.reason.startswith("submitted/ann/ps/ps.ipynb: ")
    assert why in result.reason
    assert result.grades == []


def test_folder_without_a_notebook_says_which_is_wanted(course_folder, grade):
    (course_folder / "submitted/ann/ps").mkdir(parents=True)
    assert "submit ps.ipynb" in grade("ann").reason


def test_renamed_notebook_is_graded(submit, grade, right):
    submit("ann", right, name="my homework (1)")
    result = grade("ann")
    assert result.score == 5
    assert "my homework (1).ipynb" in result.notes[0]


def test_unreadable_copy_beside_the_right_notebook_costs_nothing(submit, grade, right):
    submit("ann", right)
    submit("ann", name="old", given=b"{")
    assert grade("ann").score == 5


def test_test_that_cannot_work_is_the_authors_fault_and_not_a_zero(course_folder, submit, grade):
    path = course_folder / "source/ps/ps.ipynb"
    path.write_text(
        path.read_text().replace("assert total([1, 2])", "assert Out and total([1, 2])")
    )
    submit("ann")
    result = grade("ann")
    assert result.state == State.NOT_GRADED
    assert "fault of the test" in result.reason
    assert "'total-check'" in result.author_problems[0]
    assert scores(result)["total-check"] is None


def test_partial_and_extra_credit_of_a_test_cell(course_folder, submit, grade, right):
    path = course_folder / "source/ps/ps.ipynb"
    text = path.read_text()
    path.write_text(text.replace("'nothing adds up to 0'\\n", "'nothing adds up to 0'\\n1.5\\n"))
    submit("ann", right)
    assert scores(grade("ann"))["total-check"] == 1.5


def test_two_runs_give_the_same_feedback_bytes(submit, grade, right):
    answers = right | {"double": "import random\ndef double(x):\n    return random.random()"}
    submit("ann", answers)
    assert feedback_pages(grade("ann")) == feedback_pages(grade("ann"))


def test_a_student_cannot_choose_the_feedbacks_markup(submit, grade, right):
    attack = "<script>alert(1)</script>"
    add_cell(
        submit("ann", right),
        f"from IPython.display import HTML, display\nprint({attack!r})\ndisplay(HTML({attack!r}))",
    )
    assert "<script" not in feedback_pages(grade("ann"))["ps"]


def test_exercises_add_up_their_cells(submit, grade, right):
    submit("ann", right)
    assert [(e.name, e.score, e.max_score) for e in exercises_of(grade("ann").grades)] == [
        ("double", 3, 3),
        ("total", 2, 2),
        ("why", None, 2),
    ]
