"""A disk that is full or read-only, a gradebook that is held: one clear line, nothing lost."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from nbgrader.api import Gradebook

from autograder.course import Course

pytestmark = [pytest.mark.system, pytest.mark.usefixtures("worker")]

# Mounts where nobody else sees it, and runs the command there.
APART = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"])]
FILL = """
set -e
mount -t tmpfs -o size=3m full "$1"
cp -r "$2"/. "$1"
dd if=/dev/zero of="$1/fill" bs=1k 2>/dev/null || true
truncate -s -"$3" "$1/fill"
shift 3
"$@" && code=0 || code=$?
rm "$COURSE/fill"
again=$("$@" 2>/dev/null) || true
printf 'AGAIN%s' "$again"
exit $code
"""
READ_ONLY = """
set -e
mount --bind "$1" "$1"
mount -o remount,bind,ro "$1"
shift
exec "$@"
"""


def grade(course: Path, *start: str) -> tuple[dict[str, dict], str, str]:
    """Grade the course; rows by student, error lines, and what came after the table."""
    command = [sys.executable, "-m", "autograder", "grade", "ps", "--course", str(course)]
    done = subprocess.run(
        [*start, *command, "--format", "json"],
        capture_output=True, text=True, env=os.environ | {"COURSE": str(course)},
    )  # fmt: skip
    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip(f"cannot mount here: {done.stderr.strip().splitlines()[-1]}")
    assert "Traceback" not in done.stderr
    assert done.returncode == 1, done.stderr
    table, _, rest = done.stdout.partition("AGAIN")
    return {row["student"]: row for row in json.loads(table or "[]")}, done.stderr, rest


@pytest.fixture
def course(with_gradebook: Path, submit: Callable[..., Path], right: dict[str, str]) -> Path:
    for student in ("ann", "bob"):
        submit(student, right)
    return with_gradebook


def test_read_only_course_is_one_line_a_student(course: Path) -> None:
    found, err, _ = grade(course, *APART, "sh", "-c", READ_ONLY, "sh", str(course))
    assert set(found) == {"ann", "bob"} or "gradebook.db" in err
    lines = [line for line in err.splitlines() if "read-only" in line.lower() or "readonly" in line]
    assert lines, err
    assert all("writable" in line for line in lines)


@pytest.mark.parametrize("left", ["60k", pytest.param("1k", marks=pytest.mark.slow)])
def test_full_disk_is_one_line_a_student_and_the_next_run_goes_on(
    course: Path, tmp_path: Path, left: str
) -> None:
    """With no room at all, and with some that ends in the middle."""
    disk = tmp_path / "disk"
    disk.mkdir()
    found, err, again = grade(disk, *APART, "sh", "-c", FILL, "sh", str(disk), str(course), left)
    lines = err.splitlines()
    assert any("No space" in line or "full" in line for line in lines), err
    assert all(row["score"] in (None, 5) for row in found.values())
    assert {row["student"]: row["score"] for row in json.loads(again)} == {"ann": 5, "bob": 5}


def test_gradebook_held_by_formgrader_is_one_line_and_nothing_is_lost(course: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c",
         "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('BEGIN EXCLUSIVE');"
         "print('held', flush=True); input()", str(course / "gradebook.db")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    _, err, _ = grade(course)
    (line,) = err.splitlines()
    assert "gradebook.db" in line
    assert "close Formgrader's page" in line
    holder.communicate("\n")


@pytest.mark.slow
def test_missing_gradebook_and_folders_are_made(course: Path) -> None:
    (course / "gradebook.db").unlink()
    shutil.rmtree(course / "autograded", ignore_errors=True)
    (course / "submitted/eve/ps").mkdir(parents=True)
    found, err, _ = grade(course)
    assert (found["ann"]["score"], found["eve"]["score"]) == (5, None)
    assert "submitted/eve/ps: no notebook" in err
    with Gradebook(Course(course).database, "") as gradebook:
        assert len(gradebook.assignment_submissions("ps")) == 2
