from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.cli import main

pytestmark = pytest.mark.usefixtures("rooms", "with_gradebook")


@pytest.fixture
def run(course_folder, capsys):
    """Run the command on the course, and return its exit code, output and error lines."""

    def call(*arguments):
        capsys.readouterr()
        code = main([*arguments, "--course", str(course_folder)])
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return code, out, err

    return call


def test_class_with_every_kind_of_bad_input(run, course_folder, submit, right):
    """Each costs itself and is one clear line with its file; the others are graded."""
    submit("ann", right)
    submit("bob", given=b"{")
    submit("cyd", given=b"\xff\xfe\x00\x01")
    submit("dan", given=b'{"nbformat": 9, "cells": []}')
    submit("eve").unlink()
    submit("fay", right | {"double": "def double(x):\n    import os; os._exit(1)"})
    (submit("gus", right).parent / "notes.txt").symlink_to("/etc/passwd")
    code, out, err = run("grade", "ps", "--format", "json")
    rows = {row["student"]: row for row in json.loads(out)}
    assert code == 1
    assert {name: row["score"] for name, row in rows.items()} == {
        "ann": 5, "bob": None, "cyd": None, "dan": None, "eve": None, "fay": 2, "gus": 5,
    }  # fmt: skip
    for name in ("bob", "cyd", "dan", "eve"):
        assert rows[name]["state"].startswith("not graded: submitted/")
        (line,) = [line for line in err.splitlines() if line.startswith(f"{name}: ")]
        assert f"submitted/{name}/ps" in line
    assert "submitted/gus/ps/notes.txt: is a symbolic link" in err
    assert set(rows["ann"]) >= {
        "student", "assignment", "score", "max_score", "state", "exercises",
    }  # fmt: skip
    assert rows["ann"]["assignment"] == "ps"
    assert rows["ann"]["max_score"] == 7


def test_exit_code_is_zero_when_all_are_graded_whatever_they_earn(run, submit, right):
    submit("ann", right)
    submit("bob")
    assert run("grade", "ps")[0] == 0
    code, out, _ = run("grade", "ps")
    assert code == 0
    assert "2 of 2 graded, 2 of them before" in out


def test_csv_and_table_show_the_exercises(run, submit, right):
    submit("ann", right)
    _, out, _ = run("grade", "ps", "--format", "csv")
    (row,) = csv.DictReader(io.StringIO(out))
    assert (row["student"], row["score"], row["double"], row["why"]) == ("ann", "5", "3", "")
    _, out, _ = run("grade", "ps")
    assert "ann" in out
    assert "needs manual grading" in out


def test_grading_after_a_test_is_mended_says_whose_score_changed(run, course_folder, submit, right):
    submit("ann", right)
    submit("bob", right | {"double": "def double(x):\n    return 2 * abs(x)"})
    submit("cyd")
    _, out, _ = run("grade", "ps")
    assert "changed" not in out

    def mend(old, new):
        source = course_folder / "source/ps/ps.ipynb"
        text = source.read_text()
        assert old in text
        source.write_text(text.replace(old, new))

    def scores():
        _, out, _ = run("grade", "ps", "--format", "json")
        return {row["student"]: row for row in json.loads(out)}

    # The hidden test was too strict: the prompt says nothing of negative numbers.
    mend("secret_argument = -12345", "secret_argument = 12345")
    code, out, _ = run("grade", "ps", "--force")
    assert code == 0
    _, told = out.split("1 of 3 graded again have changed\n")
    assert [line.split() for line in told.splitlines() if line][2:] == [
        ["bob", "3", "5", "double", "1", "->", "3"]
    ]
    # Also without --force: what is graded with another test is not done.
    mend("secret_argument = 12345", "secret_argument = -12345")
    rows = scores()
    assert {name: row["before"] for name, row in rows.items()} == {"ann": 5, "bob": 5, "cyd": 0}
    assert {name: row["changes"] for name, row in rows.items()} == {
        "ann": [],
        "bob": [{"name": "double", "before": 3, "now": 1}],
        "cyd": [],
    }
    assert [row["before"] for row in scores().values()] == [None, None, None]
    _, out, _ = run("grade", "ps", "--force", "--format", "csv")
    assert [(row["before"], row["changed"]) for row in csv.DictReader(io.StringIO(out))] == [
        ("5", ""),
        ("3", ""),
        ("0", ""),
    ]


def test_only_the_students_asked_for(run, submit):
    submit("ann")
    submit("bob")
    _, out, _ = run("grade", "ps", "--student", "bob", "--format", "json")
    assert [row["student"] for row in json.loads(out)] == ["bob"]
    code, out, err = run("grade", "ps", "--student", "nobody", "--format", "json")
    assert code == 1
    assert "submitted/nobody/ps: no such folder" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["grade", "nope"], "source/nope: no assignment of that name"),
        (["grade", "../ps"], "not a name of one assignment"),
        (["grade", "ps"], "submitted/STUDENT/ps: no submission of this assignment"),
        (["grade", "ps", "--student", "../x"], "not a name of one student"),
        (["release", "nope"], "source/nope: no assignment of that name"),
        (["validate", "nope"], "source/nope: no assignment of that name"),
    ],
)
def test_foreseeable_mistakes_are_one_line(run, arguments, said):
    code, out, err = run(*arguments)
    assert code == 1
    assert out == ""
    (line,) = err.splitlines()
    assert line.startswith("autograder: ")
    assert said in line


def test_missing_course_is_one_line(capsys, tmp_path):
    assert main(["grade", "ps", "--course", str(tmp_path / "none")]) == 1
    assert "no such folder" in capsys.readouterr().err


def test_release_says_what_it_made_and_refuses_a_leak(run, course_folder):
    code, out, _ = run("release")
    assert (code, out) == (0, "release/ps: released\n")
    path = course_folder / "source/ps/ps.ipynb"
    path.write_text(path.read_text().replace("Write `double(x)`.", "twice_the_value = FACTOR * x"))
    code, _, err = run("release", "ps")
    assert code == 1
    assert "release/ps/ps.ipynb cell 1: holds a solution of cell 'double'" in err


def test_read_only_course_is_one_line_a_student(run, course_folder, submit):
    if os.geteuid() == 0:
        pytest.skip("root writes everywhere")
    submit("ann")
    (course_folder / "autograded").mkdir()
    (course_folder / "autograded").chmod(0o555)
    code, _, err = run("grade", "ps")
    assert code == 1
    assert "autograded/ann" in err


def test_interrupt_is_one_line_and_nothing_is_lost(run, submit, right, monkeypatch):
    submit("ann", right)
    submit("bob", right)
    from autograder import batch

    def interrupt_at_bob(course, result, pages):
        if result.student == "bob":
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(batch, "_write_feedback", interrupt_at_bob)
        code, _, err = run("grade", "ps")
    assert code == 130
    assert "goes on from there" in err
    _, out, _ = run("grade", "ps", "--format", "json")
    rows = {row["student"]: row for row in json.loads(out)}
    assert (rows["ann"]["kept"], rows["bob"]["kept"]) == (True, False)
    assert rows["ann"]["score"] == rows["bob"]["score"] == 5


def test_check_grades_one_notebook_and_writes_nothing(run, course_folder, submit, right, tmp_path):
    notebook = submit("ann", right).rename(tmp_path / "mine.ipynb")
    before = sorted(course_folder.rglob("*"))
    code, out, _ = run("check", str(notebook))
    assert code == 0
    assert "5 of 7 points" in out
    _, out, _ = run("check", str(notebook), "--format", "json")
    assert [e["score"] for e in json.loads(out)["exercises"]] == [3, 2, None]
    assert sorted(course_folder.rglob("*")) == before


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "No such file"),
        (b"{", "not JSON"),
        (b'{"nbformat": 4, "cells": []}', "no cell of any assignment"),
    ],
)
def test_check_of_what_is_none_is_one_line(run, tmp_path, content, said):
    path = tmp_path / "mine.ipynb"
    if content is not None:
        path.write_bytes(content)
    code, _, err = run("check", str(path))
    assert code == 1
    (line,) = err.splitlines()
    assert line.startswith(f"autograder: {path}: ")
    assert said in line


def test_new_assignment_validates_and_releases_at_once(run, course_folder):
    code, out, _ = run("new", "07-new-things")
    assert code == 0
    assert "source/07-new-things/07-new-things.md" in out
    code, out, _ = run("validate", "07-new-things")
    assert (code, out.splitlines()) == (
        0,
        [
            "07-new-things: 7 submissions graded, 0 findings",
            "07-new-things: 2 of 2 mutants noticed by a test",
        ],
    )
    _, out, _ = run("validate")  # all, side by side, and told in order
    told = [line.split(":")[0] for line in out.splitlines() if "submissions graded" in line]
    assert told == ["07-new-things", "ps"]
    assert "LO7.1" in (course_folder / "source/07-new-things/07-new-things.md").read_text()
    code, _, err = run("release", "07-new-things")
    assert code == 1
    assert "release/07-new-things/07-new-things.md: holds a solution" in err
    (course_folder / "nbgrader_config.py").write_text(
        "c = get_config()\nc.CourseDirectory.ignore = ['*.md']\n"
    )
    assert run("release", "07-new-things")[0] == 0
    code, _, err = run("new", "07-new-things")
    assert code == 1
    assert "there already" in err


@pytest.mark.parametrize("name", ["new", "../07-x", "07", "07-X", ""])
def test_new_needs_a_number_and_slug(run, name):
    code, _, err = run("new", name)
    assert code == 1
    assert "number and slug" in err


def test_doctor_says_what_is_needed_and_whether_it_is_here(capsys):
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    assert "user namespaces" in out
    assert "This host can grade." in out


def test_the_installed_command_helps():
    done = subprocess.run(
        [sys.executable, "-m", "autograder", "--help"], capture_output=True, text=True
    )
    assert done.returncode == 0
    for command in ("grade", "release", "validate", "check", "new", "doctor"):
        assert command in done.stdout


def test_help_imports_nothing_heavy():
    code = "import sys; from autograder.cli import main; main(['--help'])"
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", code], capture_output=True, text=True
    )
    assert "nbgrader" not in done.stderr
    assert "pandas" not in done.stderr


def test_half_a_character_costs_nobody_anything(run, course_folder, submit, right):
    """JSON and Python hold lone surrogates; files, databases and terminals do not."""
    submit("ann", right)
    loud = "print('\\ud800 said')\n"
    submit("bob", right | {"double": loud + "raise ValueError('\\udfff')\n" + right["double"]})
    submit("cyd", right | {"total": loud + right["total"]})
    path = submit("dan", right)
    document = json.loads(path.read_text())
    document["metadata"]["title"] = "\ud800"
    document["cells"][0]["metadata"]["\udc80"] = "\ud800"
    document["cells"].append(
        {"cell_type": "markdown", "id": "own", "metadata": {}, "source": "\ud800 mine"}
    )
    path.write_text(json.dumps(document))
    Path(os.fsdecode(os.fsencode(path.parent) + b"/\xff.txt")).write_text("x")
    (submit("eve", right).parent / "a\udc80link").symlink_to("/etc/passwd")
    code, out, err = run("grade", "ps", "--format", "json")
    rows = {row["student"]: row for row in json.loads(out)}
    assert {name: row["score"] for name, row in rows.items()} == {
        "ann": 5, "bob": 2, "cyd": 5, "dan": 5, "eve": 5,
    }, err  # fmt: skip
    assert code == 0
    for student in rows:
        (course_folder / "feedback" / student / "ps" / "ps.html").read_text(encoding="utf-8")
        notebook = course_folder / "autograded" / student / "ps" / "ps.ipynb"
        json.loads(notebook.read_text(encoding="utf-8"))
    assert "? said" in (course_folder / "feedback/cyd/ps/ps.html").read_text("utf-8")
    out.encode(), err.encode()
    assert run("grade", "ps", "--format", "csv")[0] == 0
    assert run("grade", "ps")[0] == 0
