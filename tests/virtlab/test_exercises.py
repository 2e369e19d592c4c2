"""A fresh copy of an exercise: the student's own, and never over older work."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from virtlab import cli, exercises

NAME = "03-containers"
NOTEBOOK = f"{NAME}/{NAME}.ipynb"


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A course with two exercises, as the student bundle has them: no source/."""
    (tmp_path / "data").mkdir()
    for name in ("01-what-is-virtualization", NAME):
        folder = tmp_path / "release" / name
        (folder / ".ipynb_checkpoints").mkdir(parents=True)
        (folder / f"{name}.ipynb").write_text("released")
        (folder / "helper.py").write_text("HELPS = True\n")
        for path in folder.glob("*.*"):
            if path.is_file():
                path.chmod(0o444)
    monkeypatch.setenv("VIRTLAB_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("VIRTLAB_WORK", raising=False)
    return tmp_path


@pytest.mark.parametrize("wanted", ["3", "03", NAME])
def test_a_number_or_the_name_makes_a_copy(
    course: Path, wanted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["exercise", wanted]) == 0
    assert capsys.readouterr().out == f"a fresh copy: open work/{NOTEBOOK}\n"
    copy = course / "work" / NAME
    assert {path.name for path in copy.iterdir()} == {f"{NAME}.ipynb", "helper.py"}
    # Also where the course's own files are read-only.
    assert (copy / f"{NAME}.ipynb").stat().st_mode & 0o200


def test_a_second_copy_stands_beside_the_first(
    course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cli.main(["exercise", "3"])
    mine = course / "work" / NOTEBOOK
    mine.write_text("an hour of work")
    capsys.readouterr()
    assert cli.main(["exercise", "3"]) == 0
    said = capsys.readouterr().out
    assert f"work/{NAME} is yours already and stays as it is\n" in said
    assert f"open work/{NAME}-2/{NAME}.ipynb\n" in said
    assert mine.read_text() == "an hour of work"
    assert (course / "work" / f"{NAME}-2" / f"{NAME}.ipynb").read_text() == "released"


def test_where_the_course_belongs_to_somebody_else_the_copy_goes_elsewhere(
    course: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """As on a server, where one installation serves a class."""
    mine = tmp_path_factory.mktemp("home") / "ada" / "work"
    monkeypatch.setenv("VIRTLAB_WORK", str(mine))
    assert cli.main(["exercise", "3"]) == 0
    assert capsys.readouterr().out == f"a fresh copy: open {mine / NOTEBOOK}\n"
    assert not (course / "work").exists()


def test_two_at_once_get_two_folders(course: Path) -> None:
    made: list[Path] = []
    threads = [
        threading.Thread(target=lambda: made.append(exercises.fresh_copy(course, "3")))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 8
    assert all((folder / f"{NAME}.ipynb").read_text() == "released" for folder in made)


def test_without_a_number_it_lists_them(course: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["exercise"]) == 0
    assert capsys.readouterr().out == f"01-what-is-virtualization\n{NAME}\n"
    assert not (course / "work").exists()


@pytest.mark.parametrize("wanted", ["30", "containers", "../release", "", "03-containers/.."])
def test_an_unknown_one_is_one_line(
    course: Path, wanted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["exercise", wanted]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"virtlab exercise: no exercise {wanted!r}; there are: 01-")
    assert said.count("\n") == 1
    assert not (course / "work").exists()


def test_a_place_that_cannot_hold_it_is_one_line(
    course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (course / "work").write_text("a file is in the way")
    assert cli.main(["exercise", "3"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("virtlab exercise: ")
    assert "work" in said
    assert said.count("\n") == 1


def test_a_copy_that_fails_halfway_leaves_nothing(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copyfile", full)
    with pytest.raises(OSError, match="No space left"):
        exercises.fresh_copy(course, "3")
    assert not list((course / "work").iterdir())


def test_no_course_here_is_one_line(
    course: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (course / "data").rename(course / "elsewhere")
    monkeypatch.setenv("VIRTLAB_DATA", str(course / "data"))
    assert cli.main(["exercise", "3"]) == 1
    assert capsys.readouterr().err.count("\n") == 1
