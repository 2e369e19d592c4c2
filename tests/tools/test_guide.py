"""The instructor's guide: its tables say what the course says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import guide

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def course() -> list[guide.Chapter]:
    return guide.chapters(ROOT)


def test_the_guide_is_up_to_date(course: list[guide.Chapter]) -> None:
    text = (ROOT / guide.GUIDE).read_text(encoding="utf-8")
    assert guide.filled_in(text, course) == text, "run make build"
    assert set(guide.PART.findall(text)) >= {
        (f"<!-- generated: {name} -->\n", name, "<!-- end -->") for name in guide.PARTS
    }


def test_every_exercise_has_an_objective_of_its_chapter(course: list[guide.Chapter]) -> None:
    for chapter in course:
        assert {one.objective for one in chapter.exercises} <= set(chapter.objectives), chapter.slug
        assert all(one.minutes > 0 for one in chapter.exercises)


def test_every_judged_claim_touches_an_exercise(course: list[guide.Chapter]) -> None:
    lines = [line for line in guide.claims(course).splitlines() if line.startswith("| C")]
    assert len(lines) == 99
    judged = {claim for chapter in course for claim in chapter.claims}
    untouched = [line for line in lines if line[2:6] in judged and line.endswith("| – |")]
    assert untouched == []


def test_a_cell_of_a_table_cannot_end_it() -> None:
    assert guide.table(("a",), [("x | y",)]) == "| a |\n| --- |\n| x \\| y |\n"


def test_an_unknown_part_is_named() -> None:
    with pytest.raises(guide.GuideError, match="weather"):
        guide.filled_in("<!-- generated: weather -->\n<!-- end -->", [])


def test_a_chapter_without_its_minutes_is_named(tmp_path: Path) -> None:
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "00-start-here.md").write_text("# 00 · Start here\n")
    with pytest.raises(guide.GuideError, match=r"00-start-here\.md: no line"):
        guide.chapters(tmp_path)
