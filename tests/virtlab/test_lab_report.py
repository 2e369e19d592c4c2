"""The lab report: what chapters keep, how guesses are judged, and what the page says."""

from __future__ import annotations

import html.parser
import json
import math
import re
from functools import cache
from pathlib import Path

import pandas as pd
import pytest

from virtlab import claims, cli, figures, keeping, predictions, registry, report
from virtlab.measure.folders import data_folder
from virtlab.registry import Experiment, Measurement

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VIRTLAB_RUNS", str(tmp_path))
    monkeypatch.delenv("VIRTLAB_SOURCE", raising=False)
    return tmp_path


def two_ways(rounds: int = 9) -> pd.DataFrame:
    rows = [
        (number, name, base + number / 100)
        for number in range(rounds)
        for name, base in (("slow", 4.0), ("fast", 2.0))
    ]
    return pd.DataFrame(rows, columns=["round", "condition", "ms"])


def experiment(**more: object) -> Experiment:
    return Experiment("03-containers", "race", lambda: two_ways(), **more)  # type: ignore[arg-type]


# --- What is kept ---------------------------------------------------------------------------------


def test_a_live_measurement_is_kept_with_its_table(runs: Path) -> None:
    registry.run(experiment())
    row = keeping.kept("measurements.json")["03-containers/race"]
    assert (row["source"], row["table"]) == ("live", "03-containers/race")
    kept = pd.read_csv(runs / "measurements" / "03-containers" / "race.csv")
    assert len(kept) == len(two_ways())


def test_a_recorded_measurement_is_kept_with_its_reason_and_no_copy(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIRTLAB_SOURCE", "recorded")
    registry.run(registry.load("03-containers")["walls"])
    row = keeping.kept("measurements.json")["03-containers/walls"]
    assert (row["source"], row["table"]) == ("recorded", "")
    assert row["reason"] == "VIRTLAB_SOURCE=recorded"
    assert not (runs / "measurements").exists()


def test_a_ratio_is_kept_with_its_interval() -> None:
    measured = registry.run(experiment())
    ratio, _ = measured.ratio("slow", "fast", "ms")
    (row,) = keeping.kept(keeping.EFFECTS).values()
    assert row["low"] == ratio.low <= row["estimate"] <= row["high"]
    assert (row["over"], row["under"], row["source"]) == ("slow", "fast", "live")


def test_a_figure_that_is_shown_is_kept_and_replaces_its_older_self(runs: Path) -> None:
    measured = registry.run(experiment())
    for message in ("first", "second"):
        figures.distribution(measured, "ms", "ms to start", message)._ipython_display_()
    figures.distribution(measured, "ms", "another axis")._ipython_display_()
    kept = keeping.kept("figures.json")
    assert len(kept) == 2
    assert "second" in {row["title"] for row in kept.values()}
    assert all((runs / "figures" / place).read_bytes()[:4] == b"\x89PNG" for place in kept)


def test_what_is_set_beside_the_literature_is_kept() -> None:
    measured = registry.run(experiment())
    figures.literature({"function call": 2.0, "Docker container": None}, measured)
    (row,) = keeping.kept(keeping.LITERATURE).values()
    assert (row["what"], row["ours"]) == ("function call", 2.0)


def test_nothing_kept_never_stops_a_measurement(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = runs / "file"
    blocked.write_text("in the way")
    monkeypatch.setenv("VIRTLAB_RUNS", str(blocked / "runs"))
    measured = registry.run(experiment())
    assert measured.source == "live"
    assert measured.ratio("slow", "fast", "ms")[0].estimate > 1


def test_a_damaged_file_counts_as_not_there(runs: Path) -> None:
    (runs / keeping.EFFECTS).write_text("{half")
    assert keeping.kept(keeping.EFFECTS) == {}
    registry.run(experiment()).ratio("slow", "fast", "ms")
    assert len(keeping.kept(keeping.EFFECTS)) == 1


# --- Guesses --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("guess", "truth", "scale", "grade"),
    [
        (10, 10, "size", "right"),
        (19, 10, "size", "right"),
        (5, 10, "size", "right"),
        (21, 10, "size", "near"),
        (1, 10, "size", "near"),
        (101, 10, "size", "far"),
        (0, 10, "size", "far"),
        (0, 0.2, "size", "right"),
        (0.4, 0.05, "size", "near"),
        (0.4, 0.001, "size", "far"),
        (55, 50, "points", "right"),
        (70, 50, "points", "near"),
        (90, 50, "points", "far"),
        (4, 4, "count", "right"),
        (5, 4, "count", "near"),
        (2, 4, "count", "far"),
        ("killed", "killed by SIGILL", "size", "right"),
        ("Refused ", "refused", "size", "right"),
        ("", "refused", "size", "far"),
        ("2", "2 and 3", "size", "far"),
        (["a", "b"], {"b", "a"}, "size", "right"),
        (["a", "b", "c"], {"a", "b"}, "size", "near"),
        (["c"], {"a"}, "size", "far"),
        (True, True, "size", "right"),
        ("many", 3, "size", None),
        (3, None, "size", None),
        (3, math.inf, "size", None),
        (math.nan, 3, "size", None),
        (10**400, 3, "size", None),
        ("a", {"a"}, "size", None),
    ],
)
def test_how_near_a_guess_came(guess: object, truth: object, scale: str, grade: str | None) -> None:
    assert predictions.graded(guess, truth, scale) == grade


def test_a_guess_is_judged_by_the_students_own_measurement_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    guess = {"01 start-up ladder in ms": {"thread": 1000}}
    (recorded,), _ = predictions.judged(guess)
    assert (recorded.source, recorded.grade) == ("recorded", "far")
    rows = pd.DataFrame({"condition": ["thread"] * 3, "first_reply_ms": [900.0, 1000.0, 1100.0]})
    exp = registry.load("01-what-is-virtualization")["startup-ladder"]
    keeping.measurement(Measurement(rows.assign(source="live"), "live", "", {}, exp))
    (own,), _ = predictions.judged(guess)
    assert (own.source, own.grade, own.measured) == ("live", "right", "1,000")


def names_in_chapters() -> set[str]:
    text = "\n".join(path.read_text("utf-8") for path in ROOT.glob("notebooks/[0-9]*.md"))
    return set(re.findall(r"claims\.predict\(\s*\"([^\"]+)\"", text))


def test_each_question_is_asked_somewhere() -> None:
    assert set(predictions.QUESTIONS) - names_in_chapters() == set()


@pytest.mark.long
def test_each_question_can_be_answered_from_the_recordings() -> None:
    typed = report._sample()["predictions"]
    parts, left = predictions.judged(typed)
    assert set(left) & set(predictions.QUESTIONS) == set()
    assert {part.grade for part in parts} <= set(predictions.GRADES)
    assert len(parts) > 200


@pytest.mark.parametrize("text", sorted(ROOT.glob("notebooks/[0-9]*.md")), ids=lambda p: p.stem)
def test_a_myth_is_false_as_it_stands(text: Path) -> None:
    """The report counts a vote of "true" as wrong, in every chapter that asks for one."""
    prose = text.read_text("utf-8")
    if " myth: " in prose:
        settled = re.search(r"\*\*The myth\.\*\* [“\"*].+?[”\"*]+ (\w+)(\S*)", prose)
        assert settled, "the recap does not settle the myth"
        assert (settled[1], settled[2]) not in {("True", "."), ("Right", ".")}


@cache
def the_sample() -> report.Report:
    return report.gather(sample=True)


# --- The report -----------------------------------------------------------------------------------


class Page(html.parser.HTMLParser):
    """All text of a page, and what it points to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.links: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.headings: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.links += [str(found[name]) for name in ("href", "src") if found.get(name)]
        self.images += [found] if tag == "img" else []
        self.headings += [str(found.get("scope"))] if tag == "th" else []

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def live(chapter: str, source: str = "live") -> Measurement:
    exp = Experiment(chapter, "race", two_ways)
    return Measurement(two_ways().assign(source=source), source, "no namespaces here", {}, exp)


@pytest.mark.long
def test_a_fresh_course_shows_the_sample_and_says_so() -> None:
    assert report.gather().sample
    gathered = the_sample()
    assert gathered.sample
    assert gathered.judged > 60
    assert not gathered.claims["whence"].str.contains("on this machine").any()
    assert gathered.own == 0
    page = report.to_html(gathered)
    assert "This is a sample, and nobody's own report." in page
    assert not report.gather(sample=False).sample


def test_what_was_not_run_is_no_failure_and_has_a_link() -> None:
    claims.record("C013", "holds with conditions", "the kernel was the same", live("03-containers"))
    gathered = report.gather()
    assert not gathered.sample
    assert (gathered.judged, gathered.own) == (1, 1)
    told = gathered.claims["verdict"].value_counts().to_dict()
    assert told == {report.NOT_RUN: 98, "holds with conditions": 1}
    still_open = report.missing(gathered).set_index("chapter")
    assert still_open.loc["04", "link"] == "04-virtual-machines.ipynb"
    assert "C013" not in still_open.loc["03", "claims"]
    assert "../notebooks/04-virtual-machines.ipynb" in Page(report.to_html(gathered)).links


def test_what_came_from_a_recording_says_so_claim_by_claim() -> None:
    measured = live("03-containers", "recorded")
    keeping.measurement(measured)
    claims.record("C013", "holds", "the kernel was the same", measured)
    claims.record("C014", "holds", "it was fast", live("03-containers"))
    rows = report.gather().claims.set_index("id")
    assert rows.loc["C013", "whence"] == (
        "from a recording of another machine because no namespaces here"
    )
    assert rows.loc["C014", "whence"] == "measured on this machine"
    assert rows.loc[["C013", "C014"], "own"].tolist() == [False, True]


def test_a_guess_that_stood_in_the_text_is_not_counted() -> None:
    typed = report._sample()["predictions"]["01 start-up ladder in ms"]
    claims.predict("01 start-up ladder in ms", typed)
    gathered = report.gather(sample=False)
    assert (len(gathered.parts), gathered.unchanged) == (0, 1)
    claims.predict("01 start-up ladder in ms", typed | {"thread": 77})
    gathered = report.gather(sample=False)
    assert gathered.unchanged == 0
    assert "77" in set(gathered.parts["guess"])


def test_the_page_stands_alone_and_is_accessible(tmp_path: Path) -> None:
    measured = registry.run(experiment())
    measured.ratio("slow", "fast", "ms")
    figures.distribution(measured, "ms", "ms to start")._ipython_display_()
    claims.record("C013", "holds", "<script>alert('no')</script> & more", measured)
    path = report.write(tmp_path / "out" / "report.html", student="Ada <L>")
    text = path.read_text("utf-8")
    page = Page(text)
    assert "<script" not in text
    assert "Ada <L>" in "".join(page.words)
    outside = [one for one in page.links if not one.startswith(("data:image/png;base64,", "#"))]
    assert outside
    assert all(one.endswith(".ipynb") and "//" not in one for one in outside)
    assert all(image.get("alt") for image in page.images)
    assert len(page.images) == 3  # all verdicts, the ratio, the student's own plot
    assert set(page.headings) == {"col", "row"}
    for needed in ("size: A4", "@media print", "prefers-color-scheme: dark", 'lang="en"'):
        assert needed in text


def test_each_claim_is_there_once() -> None:
    claims.record("C013", "holds", "the kernel was the same", live("03-containers"))
    words = "".join(Page(report.to_html(report.gather())).words)
    once = [f"C{number:03}" for number in range(1, 100)]
    assert sorted(re.findall(r"\bC\d{3}\b", words)) == once


def test_the_links_lead_to_the_notebooks_from_where_the_file_lies(tmp_path: Path) -> None:
    path = report.write(tmp_path / "deep" / "er" / "report.html", report.gather(sample=False))
    for link in Page(path.read_text("utf-8")).links:
        if link.endswith(".ipynb"):
            assert (path.parent / link).resolve().exists()


def test_the_command_writes_the_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "mine.html"
    assert cli.main(["report", "--to", str(target), "--name", "Ada"]) == 0
    assert "0 of 99 claims have a verdict" in capsys.readouterr().out
    assert "Ada" in target.read_text("utf-8")
    (tmp_path / "file").write_text("")
    assert cli.main(["report", "--to", str(tmp_path / "file" / "mine.html")]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_a_report_that_cannot_be_written_leaves_the_older_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "to_html", lambda _report, _way, student: student)
    empty = report.gather(sample=False)
    folder = tmp_path / "a folder"
    folder.mkdir()
    with pytest.raises(IsADirectoryError) as raised:
        report.write(folder, empty)
    assert raised.value.filename == str(folder)
    target = tmp_path / "mine.html"
    for student in ("Ada", "Bo"):
        assert report.write(target, empty, student).read_text("utf-8") == student
    target.with_name("mine.html.part").mkdir()
    with pytest.raises(IsADirectoryError):
        report.write(target, empty, "Cy")
    target.with_name("mine.html.part").rmdir()
    assert target.read_text("utf-8") == "Bo"
    assert list(tmp_path.glob("*.part")) == []


@pytest.mark.parametrize("file", ["ledger.json", "predictions.json"])
def test_a_damaged_ledger_is_told_and_never_taken_for_an_empty_one(
    runs: Path, file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (runs / "ledger.json").write_text("{}")
    (runs / file).write_text('{"C013": ')
    with pytest.raises(claims.LedgerError, match=file):
        report.gather(sample=False)
    assert cli.main(["report", "--to", str(runs / "mine.html")]) == 1
    assert "repair it or move it away" in capsys.readouterr().err
    assert not (runs / "mine.html").exists()


def test_damaged_entries_are_left_out_and_counted(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    claims.record("C013", "holds", "the kernel was the same", live("03-containers"))
    entry = keeping.kept(claims.LEDGER)["C013"]
    odd = {"C001": "odd", "C002": {}, "C003": None, "C004": entry | {"verdict": "wonderful"}}
    for part in report._NEEDED:
        (runs / f"{part}.json").write_text(json.dumps(odd))
    claims.record("C013", "holds", "the kernel was the same", live("03-containers"))
    (runs / keeping.EFFECTS).write_bytes(b"\xff{")
    gathered = report.gather(sample=False)
    assert gathered.judged == 1
    assert "ledger.json: 4 of 5 entries cannot be read." in gathered.damaged
    assert sorted(one.split(".json")[0] for one in gathered.damaged) == [
        "effects", "figures", "ledger", "literature", "measurements"
    ]  # fmt: skip
    assert cli.main(["report", "--to", str(runs / "mine.html")]) == 0
    assert capsys.readouterr().err.count("left out: ") == 5
    assert "effects.json holds nothing that can be read." in (runs / "mine.html").read_text("utf-8")


def test_a_damaged_picture_is_left_out(runs: Path) -> None:
    measured = registry.run(experiment())
    figures.distribution(measured, "ms", "ms to start")._ipython_display_()
    assert [one["broad"] for one in report.gather(sample=False).figures] == [False]
    next(runs.glob("figures/*/*.png")).write_bytes(b"")
    assert report.gather(sample=False).figures == []


def test_a_measurement_from_another_kernel_is_told(runs: Path) -> None:
    registry.run(experiment())
    assert report.gather(sample=False).elsewhere == []
    notes = runs / "measurements" / "03-containers" / "race.json"
    described = json.loads(notes.read_text("utf-8"))
    described["provenance"]["host"]["kernel"] = "2.6.9"
    notes.write_text(json.dumps(described), "utf-8")
    gathered = report.gather(sample=False)
    assert "1 of 1 experiments were measured under kernel 2.6.9" in gathered.elsewhere[0]
    assert gathered.elsewhere[0] in report.to_html(gathered)


def test_a_machine_with_one_core_has_one_core() -> None:
    assert report._fact("cores", 1) == ("cores", "1")
    assert report._fact("wsl", False) == ("wsl", "no")
    assert report._fact("memory_bytes", 2**31) == ("memory", "2.0 GiB")
    assert report._fact("container", "") == ("container", "none seen")


@pytest.mark.long
def test_no_experiment_crowds_out_the_others() -> None:
    gathered = the_sample()
    main = report.main_effects(gathered, most=10)
    assert len(main) == 10
    assert not main["experiment"].duplicated().any()
    assert main["chapter"].nunique() >= 8


def test_chance_alone_decides_some_but_few() -> None:
    luck = report.chance(comparisons=200, rounds=15, seed=3)
    assert 0 < luck["decided"].sum() < 30
    assert report.chance(10).equals(report.chance(10))


@pytest.mark.long
def test_the_figures_say_in_words_what_they_show() -> None:
    gathered = the_sample()
    shown = figures.verdict_map(gathered.claims)
    assert shown.table.drop(columns="chapter").to_numpy().sum() == 99
    assert f"{gathered.judged} of 99 claims have a verdict" in shown.sentence
    marks = figures.calibration(gathered.parts)
    assert marks.table.drop(columns="chapter").to_numpy().sum() == len(gathered.parts)
    for picture in (shown, marks, figures.effects(report.main_effects(gathered))):
        assert len(picture.png()) <= figures.MOST_BYTES


def test_the_sample_has_a_verdict_for_each_claim_of_each_chapter() -> None:
    sample = json.loads((data_folder() / report.SAMPLE).read_text("utf-8"))
    for text in sorted(ROOT.glob("notebooks/[0-9]*.md")):
        owed = set(re.findall(r"\brecord\(\s*\"(C\d{3})\"", text.read_text("utf-8")))
        if owed:
            again = f"run python -m tools.sample_report {text.stem}"
            assert set(sample.get(text.stem, {}).get("ledger", {})) == owed, again
            sources = {entry["source"] for entry in sample[text.stem]["ledger"].values()}
            assert sources <= {"recorded", "simulated", "computed", "cited"}, again
