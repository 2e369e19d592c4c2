"""An update of the course never overwrites a student's work: by git pull, and by a new bundle."""

from __future__ import annotations

import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from tools import student

from .conftest import ROOT, Run

EXERCISE = "01-what-is-virtualization"
NOTEBOOK = Path(EXERCISE) / f"{EXERCISE}.ipynb"
CHAPTER = Path("notebooks/00-start-here.ipynb")


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """What a public course repository holds, small: one chapter, one exercise."""
    folder = tmp_path / "course"
    for name in (CHAPTER, Path("release") / NOTEBOOK, Path("data/claims.csv")):
        (folder / name).parent.mkdir(parents=True)
        shutil.copy(ROOT / name, folder / name)
    (folder / ".gitignore").write_text("".join(f"{line}\n" for line in student.IGNORED))
    return folder


def work(folder: Path, run: Run) -> dict[Path, str]:
    """A student's evening: a copy of the exercise, solved, and a prediction."""
    data = str(folder / "data")
    virtlab = ROOT / ".venv" / "bin" / "virtlab"
    if not virtlab.exists():
        pytest.skip("no .venv here: make env")
    copied = run(virtlab, "exercise", "1", cwd=folder, VIRTLAB_DATA=data)
    assert copied.returncode == 0, copied.stderr
    mine = {
        folder / "work" / NOTEBOOK: "solved",
        folder / "runs" / "predictions.json": "predicted",
    }
    for path, text in mine.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return mine


def change(folder: Path) -> None:
    """A new edition: the chapter and the exercise are others."""
    for name in (CHAPTER, Path("release") / NOTEBOOK):
        (folder / name).write_text("a new edition")


def test_git_pull_leaves_the_work_alone(bundle: Path, tmp_path: Path, run: Run) -> None:
    who = ("-c", "user.name=A Teacher", "-c", "user.email=teacher@example.org")

    def git(*arguments: str | Path, at: Path) -> subprocess.CompletedProcess[str]:
        return run("git", *who, *arguments, cwd=at, GIT_CONFIG_GLOBAL="", GIT_CONFIG_NOSYSTEM="1")

    for command in (("init", "-q"), ("add", "."), ("commit", "-qm", "first")):
        assert git(*command, at=bundle).returncode == 0
    mine = tmp_path / "mine"
    assert git("clone", "-q", bundle, mine, at=tmp_path).returncode == 0
    done = work(mine, run)
    assert git("status", "--porcelain", at=mine).stdout == ""  # git does not see it
    (mine / CHAPTER).write_text("run, with outputs of my own")
    change(bundle)
    assert git("commit", "-qam", "a new edition", at=bundle).returncode == 0

    # Running a chapter changes it, and git refuses to lose that. README says what to do.
    assert git("pull", "-q", at=mine).returncode != 0
    assert (mine / CHAPTER).read_text() == "run, with outputs of my own"
    command = "git restore notebooks"
    assert command in (ROOT / "README.md").read_text()
    assert git(*command.split()[1:], at=mine).returncode == 0
    assert git("pull", "-q", at=mine).returncode == 0

    assert (mine / CHAPTER).read_text() == "a new edition"
    assert {path: path.read_text() for path in done} == done
    # Not even tidying up takes it.
    assert git("clean", "-dfq", at=mine).returncode == 0
    assert all(path.exists() for path in done)


def test_a_new_bundle_unpacked_over_the_old_one_leaves_the_work_alone(
    bundle: Path, tmp_path: Path, run: Run
) -> None:
    mine = Path(shutil.copytree(bundle, tmp_path / student.NAME))
    done = work(mine, run)
    change(bundle)
    zipped = tmp_path / "new.zip"
    student.write_zip(bundle, zipped)
    with zipfile.ZipFile(zipped) as archive:
        archive.extractall(tmp_path)
    assert (mine / CHAPTER).read_text() == "a new edition"
    assert {path: path.read_text() for path in done} == done


def test_no_bundle_and_no_clone_has_a_place_of_the_students() -> None:
    own = {"work", "runs"}
    assert own.isdisjoint(student.FOLDERS)
    for ignored in ((ROOT / ".gitignore").read_text().splitlines(), student.IGNORED):
        assert {f"/{name}/" for name in own} <= set(ignored)


def test_what_git_ignores_no_image_holds() -> None:
    """Submissions, grades and a student's work must not be baked into a container image."""
    git, docker = (
        {line.strip("/") for line in (ROOT / name).read_text().splitlines() if line[:1] != "#"}
        for name in (".gitignore", ".dockerignore")
    )
    assert git - {name.removeprefix("**/") for name in docker} == set()
