"""The instructor's guide: its tables say what the course says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import guide
from virtlab import registry
from virtlab.measure.folders import data_folder

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


@pytest.fixture(scope="module")
def lines(course: list[guide.Chapter]) -> list[guide.ClaimLine]:
    """The claims whose chapter exists."""
    here = {chapter.slug[:2] for chapter in course}
    every = guide.claim_lines(course)
    assert [line.id for line in every] == [f"C{number:03}" for number in range(1, 100)]
    return [line for line in every if line.chapter in here]


def test_every_claim_has_a_cell_of_its_chapter(
    course: list[guide.Chapter], lines: list[guide.ClaimLine]
) -> None:
    assert [line.id for line in lines if not line.cell] == []
    for chapter in course:
        own = {line.id for line in lines if line.chapter == chapter.slug[:2]}
        assert set(chapter.claims) == own, chapter.slug


def test_every_claim_belongs_to_objectives_of_its_chapter(
    course: list[guide.Chapter], lines: list[guide.ClaimLine]
) -> None:
    promised = {chapter.slug[:2]: set(chapter.objectives) for chapter in course}
    without = [line.id for line in lines if not line.objectives]
    assert without == [], "write their objectives into data/claims.csv"
    wrong = [line.id for line in lines if not set(line.objectives) <= promised[line.chapter]]
    assert wrong == [], "their chapter promises no such objective"


def test_every_claim_touches_an_exercise(lines: list[guide.ClaimLine]) -> None:
    assert [line.id for line in lines if not line.exercises] == []


def test_every_measured_claim_has_an_experiment_that_ran(lines: list[guide.ClaimLine]) -> None:
    experiments = registry.load_all()
    slugs = {name[:2]: name.partition("/")[0] for name in experiments}
    for line in lines:
        if line.kind in ("computed", "cited") and not line.experiments:
            continue
        assert line.experiments, f"{line.id}: no experiment of its chapter names it in claims=[…]"
        for name in line.experiments:
            folder = data_folder() / "recordings" / slugs[line.chapter]
            simulated = experiments[f"{slugs[line.chapter]}/{name}"].simulated
            assert simulated or (folder / f"{name}.csv").exists(), f"{line.id}: {name} never ran"


def test_the_table_of_claims_says_all_of_it(course: list[guide.Chapter]) -> None:
    written = guide.claims(course).splitlines()
    assert len(written) == 2 + 99
    thirteenth = next(line for line in written if line.startswith("| C013 |"))
    for said in ("| 03 |", "| measured |", "LO3.1", "`whose-kernel`", "`map_id`"):
        assert said in thirteenth, thirteenth


def test_a_claim_whose_chapter_is_to_come_says_so() -> None:
    first = guide.claims([]).splitlines()[2]
    assert "| to come |" in first
    assert first.endswith("| – |")


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
