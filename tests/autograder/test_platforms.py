"""From a platform's zip file to a platform's table, and nothing else on the way."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.cli import main
from autograder.course import Course
from autograder.platforms import PlatformError, collect, export

CANVAS = [
    ("lovelaceada_1001_77001_ps.ipynb", "right"),
    ("turingalan_LATE_1002_77002_ps-2.ipynb", "wrong"),
    ("turingalan_LATE_1002_77000_ps-1.ipynb", "right"),
    ("turingalan_LATE_1002_77002_data.csv", "wrong"),
]
MOODLE = [
    ("Ada Lovelace_1001_assignsubmission_file/ps.ipynb", "right"),
    ("Alan_the 2nd Turing_1002_assignsubmission_file_/ps.ipynb", "wrong"),
    ("Alan_the 2nd Turing_1002_assignsubmission_onlinetext/onlinetext.html", "wrong"),
]
FLAT_MOODLE = [(name.replace("/", "_"), kind) for name, kind in MOODLE[:1]]
CANVAS_SHEET = """\
Student,ID,SIS User ID,SIS Login ID,Section,ps (4711),other (4712)
    Points Possible,,,,,7,10
"Lovelace, Ada",1001,s1,ada,A,,1
"Turing, Alan",1002,s2,alan,A,,2
"Hopper, Grace",1003,s3,grace,A,,3
"Student, Test",,,,A,,
"""
MOODLE_SHEET = """\
\ufeffIdentifier,Full name,Email address,Status,Grade,Maximum Grade,Feedback comments
Participant 1001,Ada Lovelace,ada@x.org,Submitted,,7.00,
Participant 1002,Alan Turing,alan@x.org,Submitted,,"7,00",
Participant 1003,Grace Hopper,grace@x.org,No submission,,7.00,
"""


@pytest.fixture
def notebooks(course_folder: Path, right) -> dict[str, bytes]:
    """What the two students hand in."""
    from autograder.validate import answered

    assignment = Course(course_folder).assignment("ps")
    wrong = right | {"double": "def double(x):\n    return x * x"}
    return {
        kind: answered(assignment, "x", answers, reference=False).notebooks["ps"]
        for kind, answers in (("right", right), ("wrong", wrong))
    }


def zip_of(path: Path, entries, notebooks) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, kind in entries:
            archive.writestr(name, notebooks[kind] if name.endswith("ipynb") else kind)
    return path


def held(course_folder: Path) -> dict[str, bytes]:
    root = course_folder / "submitted"
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


@pytest.mark.parametrize("entries", [CANVAS, MOODLE, FLAT_MOODLE])
def test_each_student_gets_a_folder_by_number_and_a_second_time_changes_nothing(
    course_folder, tmp_path, notebooks, entries
):
    archive = zip_of(tmp_path / "all.zip", entries, notebooks)
    course = Course(course_folder)
    assignment = course.assignment("ps")
    first = list(collect(course, assignment, archive))
    assert {one.state for one in first} == {"new"}
    found = held(course_folder)
    assert found["1001/ps/ps.ipynb"] == notebooks["right"]
    if entries is not FLAT_MOODLE:
        assert found["1002/ps/ps.ipynb"] == notebooks["wrong"], "the last of two counts"
    assert {one.state for one in collect(course, assignment, archive)} == {"unchanged"}
    assert held(course_folder) == found


def test_a_later_download_replaces_an_earlier_one_and_leaves_other_students_alone(
    course_folder, tmp_path, notebooks
):
    course = Course(course_folder)
    assignment = course.assignment("ps")
    list(collect(course, assignment, zip_of(tmp_path / "a.zip", CANVAS, notebooks)))
    later = [("lovelaceada_1001_88001_ps-1.ipynb", "wrong")]
    (only,) = collect(course, assignment, zip_of(tmp_path / "b.zip", later, notebooks))
    assert (only.student, only.state) == ("1001", "replaced")
    assert held(course_folder)["1001/ps/ps.ipynb"] == notebooks["wrong"]
    assert "1002/ps/ps.ipynb" in held(course_folder)


@pytest.mark.long
@pytest.mark.parametrize(
    ("entries", "sheet", "column"),
    [(CANVAS, CANVAS_SHEET, "ps (4711)"), (MOODLE, MOODLE_SHEET, "Grade")],
)
def test_from_the_zip_file_to_the_table(
    course_folder, tmp_path, notebooks, capsys, entries, sheet, column
):
    archive = zip_of(tmp_path / "all.zip", entries, notebooks)
    table = tmp_path / "table.csv"
    table.write_text(sheet)
    here = ["--course", str(course_folder)]
    assert main(["collect", "ps", str(archive), *here]) == 0
    assert "2 new" in capsys.readouterr().out
    assert main(["grade", "ps", *here]) == 0
    capsys.readouterr()
    assert main(["export", "ps", str(table), *here]) == 0
    out, err = capsys.readouterr()
    before = list(csv.DictReader(io.StringIO(sheet.removeprefix("\ufeff"))))
    after = list(csv.DictReader(io.StringIO(out)))
    scores = [row.pop(column) for row in after]
    assert [row | {column: ""} for row in after] == [row | {column: ""} for row in before]
    offset = 1 if entries is CANVAS else 0
    assert scores[offset : offset + 3] == ["5", "3", ""]
    assert "1003: no grade" in err
    assert "1001: a person has still to grade a cell" in err
    assert table.read_text() == sheet, "the platform's own file stays as it is"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "it is empty"),
        ("a,b\n1,2\n", "neither Moodle's grading worksheet"),
        (MOODLE_SHEET.replace("Maximum Grade", "Most").replace("Grade", "Mark"), "column 'Grade'"),
        (MOODLE_SHEET.replace("7.00", "100.00"), "it counts to 100, and ps has 7 points"),
        (CANVAS_SHEET.replace("ps (4711)", "else"), "say which with --column"),
    ],
)
def test_a_table_that_cannot_be_filled_is_refused_in_one_line(course_folder, tmp_path, text, says):
    table = tmp_path / "table.csv"
    table.write_text(text)
    course = Course(course_folder)
    with pytest.raises(PlatformError, match=r"table\.csv: ") as error:
        export(course, course.assignment("ps"), table)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "no whole zip file"),
        (b"PK\x03\x04 and nothing more", "no whole zip file"),
        (None, "No such file"),
    ],
)
def test_a_download_that_cannot_be_read_is_refused_in_one_line(
    course_folder, tmp_path, capsys, data, says
):
    archive = tmp_path / "all.zip"
    if data is not None:
        archive.write_bytes(data)
    assert main(["collect", "ps", str(archive), "--course", str(course_folder)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert says in line


def test_a_zip_file_of_something_else_is_refused(course_folder, tmp_path, notebooks):
    archive = zip_of(tmp_path / "all.zip", [("ps.ipynb", "right")], notebooks)
    course = Course(course_folder)
    with pytest.raises(PlatformError, match="as Canvas or Moodle name submissions"):
        list(collect(course, course.assignment("ps"), archive))


def test_a_bomb_costs_only_its_student(course_folder, tmp_path, notebooks, monkeypatch):
    monkeypatch.setattr("autograder.platforms.MAX_SUBMISSION_BYTES", 1_000_000)
    archive = zip_of(tmp_path / "all.zip", CANVAS, notebooks)
    with zipfile.ZipFile(archive, "a", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("bad_1004_77009_ps.ipynb", bytes(2_000_000))
    course = Course(course_folder)
    states = {c.student: c.state for c in collect(course, course.assignment("ps"), archive)}
    assert states == {"1001": "new", "1002": "new", "1004": "left out"}
    assert not (course_folder / "submitted" / "1004").exists()


parts = st.sampled_from(
    ["..", "/", "a", "_", "1001", "_1001_", "assignsubmission_file", "\0", "\n", ".", "-", "ps",
     "é", ".ipynb", "LATE_", "\\", "~", "con"]
)  # fmt: skip


@pytest.mark.filterwarnings("ignore:Duplicate name")
@settings(max_examples=150, deadline=None)
@given(names=st.lists(st.lists(parts, max_size=9).map("".join), max_size=5))
def test_no_name_in_a_zip_file_leads_out_of_the_students_folder(tmp_path_factory, names):
    above = tmp_path_factory.mktemp("above")
    root = above / "a" / "b" / "course"
    source = root / "source" / "ps"
    source.mkdir(parents=True)
    (source / "ps.ipynb").write_text(
        json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    )
    archive = root / "all.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        for name in names:
            opened.writestr(zipfile.ZipInfo(name), b"x")
    before = set(above.rglob("*"))
    course = Course(root)
    try:
        list(collect(course, course.assignment("ps"), archive))
    except PlatformError:
        return
    made = set(above.rglob("*")) - before
    top = root / "submitted"
    assert all(path == top or path.is_relative_to(top) for path in made)
    files = [path.relative_to(top).parts for path in made if path.is_file()]
    assert all(len(f) == 3 and f[0].isdigit() and f[1] == "ps" for f in files)
