"""The static site: complete, alone, and refused if a link is dead."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tools import site

from .conftest import ROOT


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """The parts that a site is made from, to change."""
    for name in ("notebooks", "release"):
        shutil.copytree(ROOT / name, tmp_path / name)
    (tmp_path / "tools").mkdir()
    shutil.copytree(ROOT / "tools" / "site-config", tmp_path / "tools" / "site-config")
    return tmp_path


def test_every_chapter_and_every_exercise_is_in_the_contents() -> None:
    toc = site.contents(ROOT)
    files = [entry["file"] for part in toc["parts"] for entry in part["chapters"]]
    expected = [f"notebooks/{path.stem}" for path in ROOT.glob("notebooks/[0-9]*.ipynb")]
    expected += [f"release/{path.stem}/{path.stem}" for path in ROOT.glob("release/*/*.ipynb")]
    expected += [f"notebooks/{path.stem}" for path in ROOT.glob("notebooks/[a-z]*.md")]
    assert sorted([*files, toc["root"]]) == sorted(expected)


def test_no_chapters_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("notebooks", "release", "tools/site-config"):
        (tmp_path / name).mkdir(parents=True)
    shutil.copy(ROOT / "tools" / "site-config" / "_config.yml", tmp_path / "tools/site-config")
    assert site.main(["--root", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert said == "make site: notebooks/00-start-here.ipynb is missing: run make build\n"


@pytest.mark.parametrize(
    ("tag", "refused"),
    [
        ('<script src="https://cdn.example/x.js"></script>', True),
        ('<link rel="stylesheet" href="//cdn.example/x.css">', True),
        ('<img alt="" src="http://example.org/x.png">', True),
        ('<a href="https://example.org">a link</a>', False),
        ('<script src="_static/x.js"></script>', False),
    ],
)
def test_a_page_loads_nothing_from_elsewhere(tmp_path: Path, tag: str, refused: bool) -> None:
    (tmp_path / "page.html").write_text(tag)
    if refused:
        with pytest.raises(site.SiteError, match=r"page\.html would load"):
            site.refuse_foreign(tmp_path)
    else:
        site.refuse_foreign(tmp_path)


@pytest.mark.slow
def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    site.build(ROOT, tmp_path / "site")
    for text in ROOT.glob("notebooks/[0-9]*.ipynb"):
        page = (tmp_path / "site" / "notebooks" / f"{text.stem}.html").read_text()
        assert "The question" in page
    assert (tmp_path / "site" / "search.html").exists()


@pytest.mark.slow
def test_a_dead_link_is_one_line(course: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = course / "notebooks" / "glossary.md"
    page.write_text(page.read_text() + "\n[gone](no-such-chapter.ipynb)\n")
    assert site.main(["--root", str(course)]) == 1
    said = capsys.readouterr().err
    assert said.startswith("make site: ")
    assert "no-such-chapter.ipynb" in said
    assert said.count("\n") == 1
    assert not (course / "build" / "site").exists()
