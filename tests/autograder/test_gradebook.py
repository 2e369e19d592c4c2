from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
from contextlib import closing

import pytest
from nbgrader import api

from autograder.course import Course
from autograder.gradebook import Gradebook, GradebookError, course_lock

FULL = {"double-check": 1.0, "double-hidden": 2.0, "total-check": 2.0, "why": None}


@pytest.fixture
def course(with_gradebook):
    return Course(with_gradebook)


@pytest.fixture
def assignment(course):
    return course.assignment("ps")


def rows(course):
    return api.Gradebook(course.database, "")


def set_grade(course, cell, **values):
    with rows(course) as gradebook:
        grade = gradebook.find_grade(cell, "ps", "ps", "ann")
        for name, value in values.items():
            setattr(grade, name, value)
        gradebook.db.commit()


def save(course, assignment, submit, judged, scores=FULL, right=None):
    submit("ann", right or {"double": "def double(x): return 2 * x", "why": "It is."})
    submission = course.submission("ann", "ps")
    with Gradebook(course, assignment) as gradebook:
        return gradebook.save(judged(assignment, submission, scores), submission)


def test_missing_gradebook_is_made_from_the_source(course_folder):
    course = Course(course_folder)
    with Gradebook(course, course.assignment("ps")):
        pass
    with rows(course) as gradebook:
        notebook = gradebook.find_notebook("ps", "ps")
        assert {c.name: c.max_score for c in notebook.grade_cells} == {
            "double-check": 1,
            "double-hidden": 2,
            "total-check": 2,
            "why": 2,
        }
        assert "secret_argument" in gradebook.find_source_cell("double-hidden", "ps", "ps").source


def test_saved_scores_are_what_nbgrader_reads(course, assignment, submit, judged):
    saved = save(course, assignment, submit, judged)
    assert (saved.score, saved.needs_person) == (5, True)
    with rows(course) as gradebook:
        submission = gradebook.find_submission("ps", "ann")
        assert (submission.score, submission.max_score) == (5, 7)
        assert submission.needs_manual_grade
        assert gradebook.find_grade("double-hidden", "ps", "ps", "ann").auto_score == 2
        assert not gradebook.find_grade("double-hidden", "ps", "ps", "ann").needs_manual_grade
        assert gradebook.find_comment("total", "ps", "ps", "ann").comment == "No response."
        assert gradebook.find_comment("double", "ps", "ps", "ann").comment is None


def test_nothing_but_the_gradebook_is_left(course, assignment, submit, judged):
    save(course, assignment, submit, judged)
    assert [path.name for path in course.root.glob("gradebook*")] == ["gradebook.db"]
    with closing(sqlite3.connect(course.root / "gradebook.db")) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_read_only_gradebook_is_one_line(course, assignment):
    if os.geteuid() == 0:
        pytest.skip("root writes everywhere")
    (course.root / "gradebook.db").chmod(0o444)
    course.root.chmod(0o555)
    with pytest.raises(GradebookError, match=r"gradebook\.db.*writable"):
        Gradebook(course, assignment)
    course.root.chmod(0o755)


def test_saving_twice_doubles_nothing(course, assignment, submit, judged):
    save(course, assignment, submit, judged)
    save(course, assignment, submit, judged, FULL | {"total-check": 0.0})
    with rows(course) as gradebook:
        assert len(gradebook.assignment_submissions("ps")) == 1
        assert gradebook.find_submission("ps", "ann").score == 3


def test_what_a_person_gave_stays_and_is_to_be_looked_at_again(course, assignment, submit, judged):
    save(course, assignment, submit, judged)
    set_grade(course, "why", manual_score=1.5, extra_credit=0.5, needs_manual_grade=False)
    with Gradebook(course, assignment) as gradebook:
        before = gradebook.recorded("ann")
    assert (before.score, before.needs_person) == (7, False)
    saved = save(course, assignment, submit, judged)
    assert (saved.score, saved.needs_person) == (7, True)
    with rows(course) as gradebook:
        assert gradebook.find_submission("ps", "ann").score == 7


def test_late_penalty_is_the_plugins(with_gradebook, submit, judged):
    (with_gradebook / "nbgrader_config.py").write_text(
        "c = get_config()\nc.LateSubmissionPlugin.penalty_method = 'zero'\n"
    )
    course = Course(with_gradebook)
    assignment = course.assignment("ps")
    with rows(course) as gradebook:
        gradebook.add_assignment("ps", duedate="2026-01-01 00:00:00 UTC")
    folder = submit("ann").parent
    (folder / "timestamp.txt").write_text("2026-01-02 00:00:00 UTC")
    saved = save(course, assignment, submit, judged)
    assert (saved.penalty, saved.score) == (5, 0)
    (folder / "timestamp.txt").write_text("2025-12-31 00:00:00 UTC")
    saved = save(course, assignment, submit, judged)
    assert (saved.penalty, saved.score) == (0, 5)


def test_failure_half_way_leaves_the_old_scores(course, assignment, submit, judged, monkeypatch):
    save(course, assignment, submit, judged)
    with monkeypatch.context() as patch:
        patch.setattr(Gradebook, "_penalize", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            save(course, assignment, submit, judged, dict.fromkeys(FULL, 0.0))
    with rows(course) as gradebook:
        assert gradebook.find_submission("ps", "ann").score == 5


def test_changed_points_reach_a_gradebook_with_submissions(course, assignment, submit, judged):
    save(course, assignment, submit, judged)
    path = course.root / "source/ps/ps.ipynb"
    path.write_text(path.read_text().replace('"points": 1}', '"points": 3}'))
    with Gradebook(course, course.assignment("ps")):
        pass
    with rows(course) as gradebook:
        assert gradebook.find_submission("ps", "ann").max_score == 9


def test_changed_ids_with_submissions_are_refused(course, assignment, submit, judged):
    save(course, assignment, submit, judged)
    path = course.root / "source/ps/ps.ipynb"
    path.write_text(path.read_text().replace('"double-check"', '"double-check2"'))
    with pytest.raises(GradebookError, match=r"gradebook\.db.*ps/ps\.ipynb") as caught:
        Gradebook(course, course.assignment("ps"))
    assert "\n" not in str(caught.value)


def test_what_is_no_gradebook_is_one_line(course, assignment):
    (course.root / "gradebook.db").write_bytes(b"no database" * 1000)
    with pytest.raises(GradebookError, match=r"gradebook\.db.*not a") as caught:
        Gradebook(course, assignment)
    assert "\n" not in str(caught.value)


def test_gradebook_held_by_another_program_is_one_line(
    course, assignment, submit, judged, monkeypatch
):
    monkeypatch.setattr("autograder.gradebook.BUSY_S", 0.1)
    submit("ann")
    submission = course.submission("ann", "ps")
    with (
        Gradebook(course, assignment) as gradebook,
        closing(sqlite3.connect(course.root / "gradebook.db")) as other,
    ):
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(GradebookError, match="Formgrader"):
            gradebook.save(judged(assignment, submission, FULL), submission)
        other.rollback()
        assert gradebook.save(judged(assignment, submission, FULL), submission).score == 5


def test_second_grader_says_so_and_waits(course):
    said = []
    entered = threading.Event()

    def second():
        with course_lock(course, said.append):
            entered.set()

    descriptor = os.open(course.root, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    thread = threading.Thread(target=second)
    thread.start()
    while not said:
        assert thread.is_alive()
    assert not entered.is_set()
    os.close(descriptor)
    thread.join(timeout=60)
    assert entered.is_set()
    assert "another grader is at work" in said[0]
