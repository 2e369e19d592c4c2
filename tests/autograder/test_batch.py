from __future__ import annotations

import json
import os
import stat

import nbformat
import pytest
from nbgrader.api import Gradebook as NbgraderGradebook
from nbgrader.nbgraderformat import MetadataValidator

from autograder import batch
from autograder.batch import Change, grade_class
from autograder.course import Course, CourseError
from autograder.gradebook import GradebookError
from autograder.grading import Result, State

SCORES = {"double-check": 1.0, "double-hidden": 2.0, "total-check": 0.0, "why": 0.0}


@pytest.fixture
def course(with_gradebook):
    return Course(with_gradebook)


@pytest.fixture
def grade_all(course, judged):
    """Grade with a judge who gives everybody `SCORES`, and note whom he saw."""
    seen = []

    def run(assignment, submissions, limits):
        for submission in submissions:
            seen.append(submission.student)
            if submission.refused:
                yield Result(
                    submission.student,
                    assignment.name,
                    State.NOT_GRADED,
                    assignment.points,
                    reason=submission.refused,
                )
            else:
                yield judged(assignment, submission, SCORES, message="seen")

    def start(**options):
        seen.clear()
        rows = grade_class(course, course.assignment("ps"), run, **options)
        return {row.student: row for row in rows}

    start.seen = seen
    return start


def test_a_class_is_graded_and_written_down(course, grade_all, submit):
    (submit("ann").parent / "own.txt").write_text("mine")
    submit("bob")
    rows = grade_all()
    assert {name: (row.score, row.max_score, row.state) for name, row in rows.items()} == {
        "ann": (3, 7, "graded"),
        "bob": (3, 7, "graded"),
    }
    assert [(e.name, e.score, e.max_score) for e in rows["ann"].exercises] == [
        ("double", 3, 3),
        ("total", 0, 2),
        ("why", 0, 2),
    ]
    graded = course.root / "autograded/ann/ps"
    assert (graded / "own.txt").read_text() == "mine"
    assert (graded / "data.csv").read_text() == "a,b\n1,2\n"
    assert stat.S_IMODE((graded / "ps.ipynb").stat().st_mode) == 0o444
    assert "3 of 7 points" in (course.root / "feedback/ann/ps/ps.html").read_text()


def test_autograded_notebook_is_nbgraders(course, grade_all, submit):
    submit("ann")
    grade_all()
    notebook = nbformat.read(course.root / "autograded/ann/ps/ps.ipynb", as_version=4)
    nbformat.validate(notebook)
    MetadataValidator().validate_nb(notebook)
    (test,) = [
        c
        for c in notebook.cells
        if c.metadata.get("nbgrader", {}).get("grade_id") == "double-hidden"
    ]
    assert test.metadata.nbgrader.points == 2
    assert test.metadata.editable is False


def test_second_run_keeps_what_is_graded(grade_all, submit):
    submit("ann")
    submit("bob")
    first = grade_all()
    second = grade_all()
    assert grade_all.seen == []
    assert [row.kept for row in second.values()] == [True, True]
    assert {n: r.score for n, r in second.items()} == {n: r.score for n, r in first.items()}
    grade_all(force=True)
    assert sorted(grade_all.seen) == ["ann", "bob"]


def test_a_row_says_what_grading_again_changed(course, grade_all, submit, monkeypatch):
    submit("ann")
    first = grade_all()["ann"]
    assert (first.before, first.changes) == (None, ())
    with NbgraderGradebook(course.database, "") as gradebook:
        grade = gradebook.find_grade("why", "ps", "ps", "ann")
        grade.manual_score = 1.5
        gradebook.db.commit()
    # What a person gave since the last time is not what grading changed.
    monkeypatch.setitem(SCORES, "double-hidden", 0.5)
    monkeypatch.setitem(SCORES, "total-check", 1.5)
    again = grade_all(force=True)["ann"]
    assert (again.before, again.score) == (4.5, 4.5)
    assert again.changes == (Change("double", 3, 1.5), Change("total", 0, 1.5))
    kept = grade_all()["ann"]
    assert (kept.before, kept.changes) == (None, ())


def test_only_what_changed_is_graded_again(course, grade_all, submit):
    submit("ann")
    submit("bob")
    grade_all()
    submit("bob", {"double": "def double(x): return 2 * x"})
    assert set(grade_all()) == {"ann", "bob"}
    assert grade_all.seen == ["bob"]
    (course.root / "source/ps/data.csv").write_text("c\n3\n")
    grade_all()
    assert sorted(grade_all.seen) == ["ann", "bob"]


@pytest.mark.parametrize("step", ["_write_feedback", "_write_autograded"])
def test_killed_between_two_writes_goes_on_and_doubles_nothing(
    course, grade_all, submit, step, monkeypatch
):
    submit("ann")
    with monkeypatch.context() as patch:
        patch.setattr(batch, step, lambda *_: os.kill(os.getpid(), 0) or raise_interrupt())
        with pytest.raises(KeyboardInterrupt):
            grade_all()
    rows = grade_all()
    assert grade_all.seen == ["ann"]
    assert rows["ann"].score == 3
    with NbgraderGradebook(course.database, "") as gradebook:
        assert [s.score for s in gradebook.assignment_submissions("ps")] == [3]
    assert not [p for p in (course.root / "autograded/ann").iterdir() if p.name.startswith(".")]


def raise_interrupt():
    raise KeyboardInterrupt


def test_a_submission_that_cannot_be_graded_costs_only_itself(course, grade_all, submit):
    submit("ann")
    rows = grade_all(students=["nobody", "ann"])
    assert rows["ann"].graded
    assert rows["nobody"].score is None
    assert "submitted/nobody/ps: no such folder" in rows["nobody"].state
    assert "Not graded" in (course.root / "feedback/nobody/ps/ps.html").read_text()
    assert not (course.root / "autograded/nobody").exists()
    with NbgraderGradebook(course.database, "") as gradebook:
        assert [s.student.id for s in gradebook.assignment_submissions("ps")] == ["ann"]


def test_feedback_has_what_nbgraders_exchange_gives_it_back_by(course, grade_all, submit):
    submit("ann")
    folder = course.root / "submitted/ann/ps"
    (folder / "timestamp.txt").write_text("2026-02-03 14:00:00 UTC")
    (folder / "submission_secret.txt").write_text("of ann")
    submit("bob")
    grade_all()
    kept = course.root / "feedback/ann/ps"
    assert (kept / "timestamp.txt").read_text() == "2026-02-03 14:00:00 UTC"
    assert (kept / "submission_secret.txt").read_text() == "of ann"
    assert [p.name for p in (course.root / "feedback/bob/ps").iterdir()] == ["ps.html"]


@pytest.mark.parametrize("name", ["../source", "..", "", "a/../../b"])
def test_student_name_that_leaves_the_course_ends_the_run_at_once(course, grade_all, submit, name):
    submit("ann")
    before = sorted(course.root.rglob("*"))
    with pytest.raises(CourseError, match="not a name of one student"):
        grade_all(students=["ann", name])
    assert sorted(course.root.rglob("*")) == before


def test_folder_name_that_does_not_print_is_refused_in_one_line(course, grade_all, submit):
    submit("ann")
    submit("a\nb")
    row = grade_all()["a\nb"]
    assert "rename the folder" in row.state
    assert "\n" not in row.state


@pytest.mark.parametrize(
    "error", [PermissionError(13, "Permission denied"), OSError(28, "No space left on device")]
)
def test_folder_that_cannot_be_written_is_one_line(course, grade_all, submit, error, monkeypatch):
    submit("ann")
    submit("bob")
    write = batch._write_feedback

    def fail_for_ann(course, result, pages):
        if result.student == "ann":
            error.filename = str(course.root / "feedback/ann/ps")
            raise error
        write(course, result, pages)

    monkeypatch.setattr(batch, "_write_feedback", fail_for_ann)
    rows = grade_all()
    assert rows["ann"].state.startswith("not graded: feedback/ann/ps: ")
    assert "\n" not in rows["ann"].state
    assert rows["bob"].graded


def test_gradebook_that_cannot_be_written_is_one_line(grade_all, submit, monkeypatch):
    submit("ann")

    def refuse(*_):
        raise GradebookError("gradebook.db: locked; close it")

    monkeypatch.setattr("autograder.gradebook.Gradebook.save", refuse)
    assert grade_all()["ann"].state == "not graded: gradebook.db: locked; close it"


def test_a_mark_handed_in_by_a_student_is_not_believed(course, grade_all, submit):
    submit("ann")
    grade_all()
    mark = (course.root / "autograded/ann/ps" / batch.MARK).read_text()
    forged = submit("bob").parent / batch.MARK
    forged.write_text(mark)
    (submit("eve").parent / batch.MARK).mkdir()
    rows = grade_all()
    assert sorted(grade_all.seen) == ["bob", "eve"]
    assert all(row.graded for row in rows.values())


def test_json_row_has_what_it_promises(grade_all, submit):
    submit("ann")
    row = json.loads(json.dumps(grade_all()["ann"].as_json()))
    assert {"student", "assignment", "score", "max_score", "state", "exercises"} <= row.keys()
    assert row["exercises"][0] == {
        "name": "double",
        "score": 3.0,
        "max_score": 3.0,
        "message": "seen",
    }


def test_same_submission_same_feedback_bytes(course, grade_all, submit):
    submit("ann")
    grade_all()
    page = course.root / "feedback/ann/ps/ps.html"
    first = page.read_bytes()
    grade_all(force=True)
    assert page.read_bytes() == first
