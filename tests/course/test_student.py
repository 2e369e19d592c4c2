"""The student bundle: nothing secret in it, and it works on its own."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest

from tools import student

from .conftest import ROOT, Run

# One worker makes the bundle, for all tests.
pytestmark = [pytest.mark.xdist_group("student"), pytest.mark.long]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of the real course, which passed the leak check."""
    return student.make(ROOT, tmp_path_factory.mktemp("student"))


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """What a bundle is made from, with one assignment only, to plant leaks in."""
    for name in (*student.FOLDERS, "source", "tools"):
        ignore = shutil.ignore_patterns("__pycache__", "0[02-9]-*", "[12]?-*")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignore)
    for name in (*student.FILES, "pyproject.toml", "nbgrader_config.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy2(ROOT / name, tmp_path / name)
    return tmp_path


def test_it_holds_what_students_need_and_nothing_else(bundle: Path) -> None:
    top = {path.name for path in bundle.iterdir()}
    assert {"notebooks", "release", "data", "virtlab", "environment.yml", "README.md"} <= top
    assert top & {"source", "answers", "autograder", "tests", "submitted", "gradebook.db"} == set()
    assert "autograder = " not in (bundle / "pyproject.toml").read_text()
    assert not list(bundle.glob("notebooks/[0-9]*.md"))


def test_the_zip_file_holds_the_same_and_two_of_them_are_equal(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zipped = bundle.with_name(f"{bundle.name}.zip")
    with zipfile.ZipFile(zipped) as archive:
        names = [name.removeprefix(f"{student.NAME}/") for name in archive.namelist()]
    assert names == [str(path.relative_to(bundle)) for path in student.files_in(bundle)]
    monkeypatch.setattr(student, "check", lambda *_: None)  # the first was checked
    again = student.make(ROOT, tmp_path)
    assert again.with_name(zipped.name).read_bytes() == zipped.read_bytes()


@pytest.mark.parametrize("place", ["notebooks/note.txt", "virtlab/note.py"])
def test_a_planted_solution_refuses_the_bundle(
    course: Path, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = next((course / "source").glob("*/*.md")).read_text(encoding="utf-8")
    solution = text.partition("### BEGIN SOLUTION\n")[2].partition("### END SOLUTION")[0]
    (course / place).write_text(solution, encoding="utf-8")
    assert student.main(["--root", str(course)]) == 1
    error = capsys.readouterr().err
    assert error.startswith("make student: ")
    assert place in error
    assert error.count("\n") == 1
    assert not (course / "build" / student.NAME).exists()


def test_its_readme_has_the_badge_of_its_own_repository(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("# A title\n\nA text.\n")
    student.add_badge(readme, "a-school/a-course")
    title, _, badge, _, text = readme.read_text().splitlines()
    assert (title, text) == ("# A title", "A text.")
    start = "urlpath=lab/tree/notebooks/00-start-here.ipynb)"
    assert badge.endswith(f"(https://mybinder.org/v2/gh/a-school/a-course/HEAD?{start}")
    # The same badge, not filled in, is in the course's own README.
    assert student.BINDER.format("OWNER/NAME") in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("name", ["a-course", "https://example.org/a/b", "a/b/c"])
def test_a_wrong_repository_is_one_line(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert student.main(["--repository", name]) == 1
    said = capsys.readouterr().err
    assert said == f"make student: {name!r} is not OWNER/NAME of a repository\n"


def test_a_missing_part_is_one_line(course: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(course / "release")
    assert student.main(["--root", str(course)]) == 1
    assert capsys.readouterr().err == "make student: release/ is missing: run make build\n"


@pytest.mark.clone
@pytest.mark.usefixtures("package_index")
def test_it_works_in_a_fresh_environment(bundle: Path, tmp_path: Path, run: Run) -> None:
    folder = tmp_path / "course"
    shutil.copytree(bundle, folder)
    made = run("make", "env", cwd=folder, seconds=600)
    assert made.returncode == 0, made.stderr
    python = folder / ".venv" / "bin" / "python"
    doctor = run("make", "doctor", cwd=folder)
    assert doctor.returncode == 0, doctor.stderr
    # The exercises are unsolved, so their cells raise; the chapter's do not.
    for name, extra in (
        ("notebooks/00-start-here", ()),
        ("release/01-what-is-virtualization/01-what-is-virtualization", ("--allow-errors",)),
    ):
        ran = run(
            # Not by `jupyter`, which runs the first jupyter-nbconvert of PATH: this suite's own.
            *(python, "-m", "nbconvert", "--to", "notebook", "--execute", *extra),
            *("--output", tmp_path / "executed.ipynb", folder / f"{name}.ipynb"),
            cwd=folder,
            VIRTLAB_RUNS="",
            PYTHONPATH="",
        )
        assert ran.returncode == 0, ran.stderr
    assert (folder / "runs").is_dir()
