from __future__ import annotations

import os
from pathlib import Path

import pytest

from autograder.course import MAX_NOTEBOOK_BYTES, Course, CourseError


def test_assignment_holds_what_was_written_graded_and_released(course_folder):
    (source,) = Course(course_folder).assignment("ps").notebooks
    hidden = source.by_id["double-hidden"]
    assert "secret_argument" in hidden.text
    assert "secret_argument" not in hidden.released
    assert hidden.is_test
    assert hidden.points == 2
    solution = source.by_id["double"]
    assert "twice_the_value" in solution.written
    assert "twice_the_value" not in solution.text + solution.released
    assert "raise NotImplementedError" in solution.text
    assert source.by_id["why"].is_manual
    assert not source.by_id["why"].is_test
    assert source.points == 7


def test_plain_cells_have_no_id(course_folder):
    (source,) = Course(course_folder).assignment("ps").notebooks
    assert [cell.id for cell in source.cells if "FACTOR = 2" in cell.text] == [""]


def test_files_beside_the_notebook_belong_to_the_assignment(course_folder):
    assert Course(course_folder).assignment("ps").files == {"data.csv": b"a,b\n1,2\n"}


def test_digest_changes_with_a_test_and_with_a_file(course_folder):
    before = Course(course_folder).assignment("ps").digest
    assert Course(course_folder).assignment("ps").digest == before
    (course_folder / "source/ps/data.csv").write_text("a,b\n1,3\n")
    assert Course(course_folder).assignment("ps").digest != before


@pytest.mark.parametrize("name", ["../ps", "..", ".", "", "a/b", "/etc"])
def test_a_name_that_leaves_the_course_is_refused(course_folder, name):
    with pytest.raises(CourseError, match="name"):
        Course(course_folder).assignment(name)


def test_unknown_assignment_names_those_there_are(course_folder):
    with pytest.raises(CourseError, match=r"source/nope.*there are: ps") as caught:
        Course(course_folder).assignment("nope")
    assert "\n" not in str(caught.value)


def test_missing_course_and_broken_configuration_are_one_line(course_folder, tmp_path):
    with pytest.raises(CourseError, match="no such folder"):
        Course(tmp_path / "nowhere")
    (course_folder / "nbgrader_config.py").write_text("c = = 1\n")
    with pytest.raises(CourseError, match=r"nbgrader_config\.py") as caught:
        Course(course_folder)
    assert "\n" not in str(caught.value)


def test_source_that_is_no_notebook_is_one_line(course_folder):
    (course_folder / "source/ps/ps.ipynb").write_text("{")
    with pytest.raises(CourseError, match=r"source/ps/ps\.ipynb: not JSON"):
        Course(course_folder).assignment("ps")


def test_source_with_an_open_hidden_region_is_one_line(course_folder):
    path = course_folder / "source/ps/ps.ipynb"
    path.write_text(path.read_text().replace("### END HIDDEN TESTS", "###"))
    with pytest.raises(CourseError, match=r"source/ps/ps\.ipynb"):
        Course(course_folder).assignment("ps")


def test_two_cells_of_one_id_in_the_source_are_refused(course_folder):
    path = course_folder / "source/ps/ps.ipynb"
    path.write_text(path.read_text().replace('"double-check"', '"double-hidden"'))
    with pytest.raises(CourseError, match="double-hidden"):
        Course(course_folder).assignment("ps")


def test_students_are_those_with_a_folder_of_the_assignment(course_folder, submit):
    submit("bea")
    submit("abe")
    (course_folder / "submitted/carl/other").mkdir(parents=True)
    (course_folder / "submitted/.ipynb_checkpoints/ps").mkdir(parents=True)
    assert Course(course_folder).students("ps") == ["abe", "bea"]


def test_directory_structure_is_read_from_the_configuration(course_folder, submit):
    (course_folder / "nbgrader_config.py").write_text(
        "c = get_config()\nc.CourseDirectory.submitted_directory = 'in'\n"
        "c.CourseDirectory.directory_structure = '{assignment_id}/{nbgrader_step}/{student_id}'\n"
    )
    (course_folder / "ps/in/ann").mkdir(parents=True)
    assert Course(course_folder).students("ps") == ["ann"]


def test_limits_come_from_the_configuration(course_folder):
    config = course_folder / "nbgrader_config.py"
    config.write_text(
        "c = get_config()\nc.Execute.timeout = 7\nc.Limits.memory_bytes = 300_000_000\n"
    )
    limits = Course(course_folder).limits()
    assert (limits.cell_wall_s, limits.memory_bytes) == (7, 300_000_000)
    config.write_text("c = get_config()\nc.Limits.patience = 3\n")
    with pytest.raises(CourseError, match=r"patience.*memory_bytes"):
        Course(course_folder).limits()


def test_missing_submission_says_where_it_was_looked_for(course_folder):
    assert (
        "submitted/eve/ps: no such folder" in Course(course_folder).submission("eve", "ps").refused
    )


@pytest.mark.parametrize("student", ["../source", "..", "a/b"])
def test_student_name_that_leaves_the_course_is_refused(course_folder, student):
    with pytest.raises(CourseError, match="not a name of one student"):
        Course(course_folder).submission(student, "ps")


def test_linked_notebook_is_left_out_and_named(course_folder, submit):
    path = submit("eve")
    path.unlink()
    path.symlink_to(course_folder / "source/ps/ps.ipynb")
    found = Course(course_folder).submission("eve", "ps")
    assert not found.notebooks
    assert any("symbolic link" in note and "ps.ipynb" in note for note in found.notes)


@pytest.mark.parametrize("level", ["submitted/eve", "submitted/eve/ps"])
def test_linked_folder_is_refused(course_folder, level):
    other = course_folder / "elsewhere" / "ps"
    other.mkdir(parents=True)
    link = course_folder / level
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(other if level.endswith("ps") else other.parent)
    assert "symbolic link" in Course(course_folder).submission("eve", "ps").refused


def test_special_files_and_links_inside_are_left_out(course_folder, submit):
    folder = submit("eve").parent
    (folder / "secret").symlink_to("/etc/passwd")
    (folder / "up").symlink_to("..")
    os.mkfifo(folder / "pipe")
    (folder / "deep").mkdir()
    (folder / "deep" / "own.txt").write_text("mine")
    found = Course(course_folder).submission("eve", "ps")
    assert found.files == {"deep/own.txt": b"mine"}
    assert len(found.notes) == 3
    assert not found.refused


def test_huge_notebook_is_refused_without_being_read_whole(course_folder, submit):
    path = submit("eve")
    with path.open("ab") as file:
        file.truncate(MAX_NOTEBOOK_BYTES * 10)
    assert "larger than" in Course(course_folder).submission("eve", "ps").refused


def test_timestamp_that_is_none_costs_nothing(course_folder, submit):
    folder = submit("eve").parent
    (folder / "timestamp.txt").write_text("2026-02-03 14:00:00 UTC\n")
    assert Course(course_folder).submission("eve", "ps").timestamp is not None
    (folder / "timestamp.txt").write_bytes(b"\xff\xfesoon")
    found = Course(course_folder).submission("eve", "ps")
    assert found.timestamp is None
    assert any("timestamp.txt" in note for note in found.notes)


def test_unreadable_file_is_named(course_folder, submit):
    if os.geteuid() == 0:
        pytest.skip("root reads every file")
    path = submit("eve")
    path.chmod(0)
    assert (
        str(Path("submitted/eve/ps/ps.ipynb"))
        in Course(course_folder).submission("eve", "ps").refused
    )
