"""What is in git is what the text says: built again, everything but the outputs is the same."""

from __future__ import annotations

import filecmp
import shutil
from pathlib import Path

import nbformat
import pytest

from tools import build

from .conftest import ROOT

texts = build.sources(ROOT)
each_text = pytest.mark.parametrize(
    ("text", "is_chapter"), texts, ids=lambda value: str(getattr(value, "stem", value))
)


def without_outputs(notebook: nbformat.NotebookNode) -> str:
    for cell in build.code_cells(notebook):
        cell.outputs, cell.execution_count = [], None
    return build.as_text(notebook)


@each_text
def test_a_notebook_is_what_its_text_says(text: Path, is_chapter: bool) -> None:
    committed = nbformat.read(text.with_suffix(".ipynb"), as_version=4)
    rebuilt = build.from_text(text.read_text(encoding="utf-8"))
    if is_chapter:
        assert build.carries_over(rebuilt, committed), "its code changed: run make build"
    assert without_outputs(rebuilt) == without_outputs(committed), "run make build"


@each_text
def test_building_again_changes_no_byte(
    text: Path, is_chapter: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def execute(*_: object) -> None:
        pytest.fail("its code changed: run make build")

    monkeypatch.setattr(build, "execute", execute)
    for suffix in (".md", ".ipynb"):
        shutil.copy(text.with_suffix(suffix), tmp_path)
    copy = tmp_path / text.name
    assert build.build(copy, tmp_path, may_run=is_chapter) == "unchanged"


def test_the_release_is_what_source_says(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "source", tmp_path / "source")
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    assert build.release_all(tmp_path, []) == 0
    names = [path.relative_to(tmp_path) for path in files_in(tmp_path / "release")]
    assert names == [path.relative_to(ROOT) for path in files_in(ROOT / "release")]
    _, differ, missing = filecmp.cmpfiles(tmp_path, ROOT, map(str, names), shallow=False)
    assert (differ, missing) == ([], []), "run make build"


def test_readme_shows_the_ladder_that_chapter_01_measured() -> None:
    assert build.copy_ladder(ROOT) == "unchanged", "run make build"


def files_in(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and ".ipynb_checkpoints" not in path.parts
    )
