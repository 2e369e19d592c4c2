"""Real runs of the command that are killed, or that meet each other, in one course."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from nbgrader.api import Gradebook

from autograder.course import Course
from autograder.sandbox.scratch import left_behind

pytestmark = pytest.mark.usefixtures("worker")  # skips where the host cannot build rooms
SIZE = 8


@pytest.fixture
def full_course(with_gradebook: Path, submit: Callable[..., Path], right: dict[str, str]) -> Path:
    """A course with `SIZE` submissions, every second one right."""
    for number in range(SIZE):
        submit(f"s{number}", right if number % 2 else {})
    return with_gradebook


EXPECTED = {f"s{number}": 5.0 if number % 2 else 0.0 for number in range(SIZE)}


def start(course: Path, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "autograder", "grade", "ps", "--course", str(course)]
    return subprocess.Popen(
        [*command, "--format", "json", *more],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def rows(process: subprocess.Popen[str]) -> list[dict]:
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert "Traceback" not in err
    return json.loads(out)


def in_place(course: Path) -> int:
    """How many submissions are done."""
    return sum(1 for _ in course.glob("autograded/*/ps/.autograder"))


def kill_when(process: subprocess.Popen[str], ready: Callable[[], bool]) -> set[int]:
    """End the grader, and nothing else, with no chance to tidy up; it may be done before.

    Returns:
        The ids of its processes.
    """
    children: list[psutil.Process] = []
    while process.poll() is None and not ready():
        time.sleep(0.002)
    with contextlib.suppress(psutil.NoSuchProcess):
        children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    _, err = process.communicate()
    assert "Traceback" not in err
    _, alive = psutil.wait_procs(children, timeout=60)
    assert not alive
    return {process.pid, *(child.pid for child in children)}


def check_books(course: Path) -> None:
    """Every score is there once, and no file is half-written."""
    with Gradebook(Course(course).database, "") as gradebook:
        found = [(s.student.id, s.score) for s in gradebook.assignment_submissions("ps")]
    assert sorted(found) == sorted(EXPECTED.items())
    for student in EXPECTED:
        assert json.loads((course / "autograded" / student / "ps/ps.ipynb").read_text())["cells"]
        page = (course / "feedback" / student / "ps/ps.html").read_text()
        assert page.rstrip().endswith("</html>")
        assert [path.name for path in (course / "autograded" / student).iterdir()] == ["ps"]


@pytest.mark.long
def test_killed_at_any_moment_the_next_run_goes_on(
    full_course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    killed = kill_when(start(full_course), lambda: (full_course / "feedback/s0/ps").exists())
    killed |= kill_when(start(full_course, "--jobs", "2"), lambda: in_place(full_course) >= 2)
    found = rows(start(full_course))
    assert {row["student"]: row["score"] for row in found} == EXPECTED
    assert sum(row["kept"] for row in found) >= 2
    check_books(full_course)
    assert list(scratch.iterdir()) == [], "what the killed ones had"
    assert not [path for path in left_behind() if int(path.name.split("-")[2]) in killed]


@pytest.mark.slow
def test_killed_thirty_times_nothing_is_lost(full_course: Path) -> None:
    for number in range(30):
        until = time.monotonic() + 2.0 + 0.05 * number
        process = start(full_course, "--force" if number % 5 == 4 else "--format=json")
        kill_when(process, lambda until=until: time.monotonic() > until)  # type: ignore[misc]
        if in_place(full_course) == SIZE:
            for mark in full_course.glob("autograded/s[0-3]/ps/.autograder"):
                mark.chmod(0o644)
                mark.write_text("of another time")
    assert {row["student"]: row["score"] for row in rows(start(full_course))} == EXPECTED
    check_books(full_course)


@pytest.mark.long
def test_two_graders_at_once_grade_each_submission_once(full_course: Path) -> None:
    both = [start(full_course), start(full_course)]
    outcomes = [process.communicate(timeout=300) for process in both]
    assert [process.returncode for process in both] == [0, 0], outcomes
    found = [json.loads(out) for out, _ in outcomes]
    for table in found:
        assert {row["student"]: row["score"] for row in table} == EXPECTED
    assert sorted(sum(row["kept"] for row in table) for table in found) == [0, SIZE]
    assert sum("another grader is at work" in err for _, err in outcomes) <= 1
    check_books(full_course)
