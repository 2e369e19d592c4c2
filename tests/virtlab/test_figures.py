"""Each figure is white, small, titled with its message and source, and says the same in words."""

import io
import re

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_hex
from matplotlib.transforms import Bbox
from PIL import Image

from virtlab import figures, published
from virtlab.figures.base import COLOURS, short, style
from virtlab.measure.folders import data_folder
from virtlab.registry import Experiment, Measurement

EXP = Experiment("01-x", "ladder", pd.DataFrame)
KINDS = {"thread": "thread", "runc": "container", "qemu-tcg": "vm"}


def ladder(source: str = "live", recorded: tuple[str, ...] = (), rounds: int = 20) -> Measurement:
    chance = np.random.default_rng(1)
    rows = [
        {
            "round": number,
            "condition": name,
            "kind": KINDS[name],
            "accelerator": "TCG" if name == "qemu-tcg" else None,
            "first_reply_ms": median * chance.lognormal(0, 0.2),
        }
        for number in range(rounds)
        for name, median in (("runc", 30.0), ("thread", 0.1), ("qemu-tcg", 200.0))
    ]
    data = pd.DataFrame(rows)
    row_source = "live" if source == "mixed" else source
    data["source"] = np.where(data["condition"].isin(recorded), "recorded", row_source)
    data["reason"] = ""
    return Measurement(data, source, "", {"date": "2026-01-02T03:04:05+00:00"}, EXP)


def shared() -> Measurement:
    counts = [1, 2, 4, 6]
    busy = [0.25, 0.5, 0.95, 1.0]
    data = pd.DataFrame(
        {
            "round": 0,
            "condition": [f"{count} tenants" for count in counts],
            "tenants": counts,
            "busy_fraction": busy,
            "work_per_core_s": [50, 100, 190, 200],
            "response_ms": [6.0, 8.0, 40.0, 200.0],
            "source": "live",
            "reason": "",
        }
    )
    return Measurement(data, "live", "", {}, EXP)


def measured(rows: list[dict], source: str = "live") -> Measurement:
    data = pd.DataFrame(rows).assign(source=source, reason="")
    return Measurement(data, source, "", {}, EXP)


def weights() -> Measurement:
    return measured(
        [
            {
                "round": number,
                "condition": "1:3",
                "tenants": 2,
                "tenant": tenant,
                "weight": weight,
                "expected": weight / 4,
                "share": weight / 4 + (0.01 if tenant == 1 else -0.01),
                "mechanism": "cgroup",
            }
            for number in range(3)
            for tenant, weight in ((1, 1), (2, 3))
        ]
    )


def over_time() -> Measurement:
    return measured(
        [
            {
                "round": 0,
                "condition": condition,
                "tenant": tenant,
                "second": second,
                "core_share": share,
            }
            for condition, share in (("weights", 0.5), ("caps", 0.4))
            for tenant in (1, 2)
            for second in (0.0, 0.1, 0.2)
        ]
    )


def neighbours() -> Measurement:
    chance = np.random.default_rng(1)
    return measured(
        [
            {
                "round": number,
                "condition": condition,
                "limited": "limited" in condition,
                "response_ms": median * chance.lognormal(0, 0.1),
            }
            for number in range(6)
            for condition, median in (("alone", 1.0), ("cpu", 50.0), ("cpu, limited", 1.0))
            for _ in range(5)
        ]
    )


def quotas() -> Measurement:
    return measured(
        [
            {
                "round": 0,
                "condition": f"{quota} of {period}",
                "quota": quota,
                "period_ms": period,
                "response_ms": period / quota,
            }
            for quota in (0.25, 0.5)
            for period in (10.0, 100.0)
        ]
        + [{"round": 0, "condition": "no cap", "response_ms": 1.0}]
    )


def boot() -> Measurement:
    return measured(
        [
            {
                "round": 0,
                "condition": "qemu-tcg",
                "phase": phase,
                "start_ms": start,
                "end_ms": end,
            }
            for phase, start, end in (("firmware", 0, 100), ("kernel", 100, 900))
        ]
    )


def crowded() -> Measurement:
    return measured(
        [
            {
                "round": 0,
                "condition": f"{tenants} tenants",
                "tenants": tenants,
                "promised": tenants / 4,
                "requests": 300,
                "response_ms": float(tenants**3),
                "response_p99_ms": float(9 * tenants**3),
                "waited": tenants / 10,
                "cpu_pressure": tenants / 8,
                "steal": 0.0,
            }
            for tenants in (1, 4, 6)
        ]
    )


def pages() -> Measurement:
    return measured(
        [
            {"round": 0, "condition": name, "asked_mib": 64, "rss_mib": 64.2, "pss_mib": pss}
            for name, pss in (("own pages", 63.6), ("merged by KSM", 15.6))
        ]
    )


def bound() -> Measurement:
    return measured(
        [
            {
                "round": 0,
                "condition": f"CPU quota, {limited}",
                "limit": "CPU quota",
                "limited": limited,
                "got": 0.25 if limited else 1.0,
                "unit": "cores",
                "bound": 0.25 if limited else None,
                "events": 20 * limited,
                "outcome": "slowed down" if limited else "ran on",
            }
            for limited in (False, True)
        ]
    )


SHOWN = {
    "startup_ladder": lambda: figures.startup_ladder(ladder(), {"thread": 1.0, "gone": 3.0}),
    "distribution": lambda: figures.distribution(ladder(), "first_reply_ms", "ms to the reply"),
    "utilization": lambda: figures.utilization(shared()),
    "share_against_weight": lambda: figures.share_against_weight(weights()),
    "timeline": lambda: figures.timeline(over_time()),
    "slowdown": lambda: figures.slowdown(neighbours()),
    "heat_map": lambda: figures.heat_map(
        quotas(), "quota", "period_ms", "response_ms", "response in ms"
    ),
    "phases": lambda: figures.phases(boot()),
    "overcommit": lambda: figures.overcommit(crowded()),
    "page_sharing": lambda: figures.page_sharing(pages()),
    "limits": lambda: figures.limits(bound()),
    "literature": lambda: figures.literature(LITERATURE, ladder()),
}


@pytest.fixture(params=SHOWN, scope="module")
def shown(request):
    return SHOWN[request.param]()


def test_a_figure_is_white_opaque_and_small(shown):
    png = shown.png()
    assert len(png) <= 60_000
    image = Image.open(io.BytesIO(png)).convert("RGBA")
    assert image.getpixel((0, 0)) == (255, 255, 255, 255)
    assert image.getextrema()[3] == (255, 255), "no transparency on a dark theme"


def test_text_is_eleven_points_or_larger(shown):
    shown.png()
    texts = [text for axes in shown.figure.axes for text in axes.findobj(plt.Text)]
    assert min(text.get_fontsize() for text in texts if text.get_text().strip()) >= 11


def test_the_title_says_the_message_and_the_source(shown):
    axes = shown.figure.axes[0]
    words = [text.get_text() for text in axes.findobj(plt.Text)]
    assert any("live on this machine" in text for text in words)
    assert len(shown.figure.get_label()) > 10


def test_the_sentence_and_the_table_say_the_same(shown):
    assert shown.sentence.endswith(".")
    assert len(shown.table)
    text = str(shown)
    assert text.startswith(shown.sentence)
    assert not re.search(r"\bnan\b", text, re.IGNORECASE)


def test_a_notebook_shows_picture_sentence_and_table(shown, monkeypatch):
    told = []
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw: told.append(bundle))
    shown._ipython_display_()
    picture, words = told
    assert "image/png" in picture
    assert "<table" in words["text/html"]
    assert words["text/plain"] == str(shown)


def test_drawing_leaves_no_open_figure_and_no_changed_settings():
    before = plt.rcParams["font.size"], plt.rcParams["axes.spines.top"]
    SHOWN["startup_ladder"]().png()
    assert plt.get_fignums() == []
    assert (plt.rcParams["font.size"], plt.rcParams["axes.spines.top"]) == before


def test_the_ladder_is_in_order_and_names_the_accelerator():
    shown = SHOWN["startup_ladder"]()
    assert shown.table["condition"].tolist() == ["thread", "runc", "qemu-tcg"]
    labels = [text.get_text() for text in shown.figure.axes[0].get_yticklabels()]
    assert labels == ["thread", "runc", "qemu-tcg: TCG"]
    assert "qemu-tcg" in shown.figure.get_label()
    assert "both live" in shown.sentence


def test_the_prediction_is_drawn():
    plain = figures.startup_ladder(ladder()).figure.legends
    (drawn,) = SHOWN["startup_ladder"]().figure.legends
    assert plain == []
    assert [text.get_text() for text in drawn.get_texts()] == ["your prediction"]


GUESSED = {
    "startup_ladder": lambda guess: figures.startup_ladder(ladder(), guess),
    "dots": lambda guess: figures.dots(ladder(), "first_reply_ms", "ms", "milliseconds", guess),
    "results_per_second": lambda guess: figures.results_per_second(
        measured(
            [
                {"condition": name, "results_per_s": 1 / ms, "how": KINDS[name]}
                for name, ms in TRUTH.items()
            ]
        ),
        {name: 1 / ms for name, ms in guess.items()},
    ),
    "registers": lambda guess: figures.registers(
        measured(
            [
                {
                    "condition": name,
                    "size": size,
                    "registers": ms * factor,
                    "kicks": 1,
                    "pretends": "",
                }
                for name, ms in TRUTH.items()
                for size, factor in (("512 B", 1), ("1 MiB", 9))
            ]
        ),
        guess,
    ),
}
TRUTH = {"runc": 30.0, "thread": 0.1, "qemu-tcg": 200.0}
GUESSES = {
    "equal": TRUTH,
    "far too low": {name: ms / 10_000 for name, ms in TRUTH.items()},
    "far too high": {name: ms * 10_000 for name, ms in TRUTH.items()},
    "a little too high": {name: ms * 1.3 for name, ms in TRUTH.items()},
    "only the least, and far too high": {"thread": 1e5},
}
EXTREMES = ("far too high", "only the least, and far too high")


@pytest.mark.parametrize(
    ("name", "guess"),
    [("dots", guess) for guess in GUESSES]
    + [(name, guess) for name in GUESSED if name != "dots" for guess in EXTREMES],
)
def test_no_guess_makes_words_cover_marks_or_each_other(name, guess):
    shown = GUESSED[name](GUESSES[guess])
    with style():
        shown.figure.draw_without_rendering()
    (axes,) = shown.figure.axes
    pixels = axes.transData.transform
    marks = [
        Bbox.from_bounds(x - half, y - size, 2 * half, 2 * size)
        for line in axes.lines
        if line.get_marker() not in (".", "None")
        for x, y in pixels(np.column_stack(line.get_data()))
        for size in [line.get_markersize() * shown.figure.dpi / 144]
        for half in [3 if line.get_marker() == "|" else size]
    ]
    numbers = [text for text in axes.texts if text.get_text()]
    low, high = axes.get_xlim()
    ticks = [tick for tick in axes.get_xticklabels() if low <= tick.get_position()[0] <= high]
    legends = [*shown.figure.legends, axes.get_legend()]
    words = [one.get_window_extent() for one in (*numbers, *ticks, *legends) if one is not None]
    assert len(marks) > len(TRUTH)
    assert len(numbers) == len(TRUTH)
    assert not [mark for mark in marks if mark.count_overlaps(words)]
    for place, box in enumerate(words):
        assert not box.count_overlaps(words[:place])
        assert 0 <= box.x0 < box.x1 <= shown.figure.bbox.x1, "cut at the edge"


def test_what_went_through_is_orange_unless_it_was_welcome():
    m = measured([{"condition": "new server", "old": "done", "new": "stopped"}])
    faces = {
        welcome: [
            to_hex(one.get_facecolor())
            for one in figures.grid(m, {"old": "old", "new": "new"}, welcome=welcome)
            .figure.axes[0]
            .patches
        ]
        for welcome in (False, True)
    }
    assert faces[False][0] == COLOURS[1].lower()
    assert faces[True][0] == COLOURS[5].lower()
    assert faces[True][1] == faces[False][1], "what was stopped looks the same"


def test_a_ladder_of_one_rung_needs_no_ratio():
    m = ladder()
    only = m.data[m.data["condition"] == "thread"]
    one = Measurement(only, "live", "", {}, EXP)
    assert "ratio" not in figures.startup_ladder(one).sentence


def test_recorded_rungs_are_marked(monkeypatch):
    m = ladder("mixed", recorded=("qemu-tcg",))
    recorded = m.data.drop(columns=["source", "reason"])
    monkeypatch.setattr("virtlab.registry.recording.load", lambda *_: (recorded, {}))
    monkeypatch.setattr("virtlab.registry.data_folder", lambda: None, raising=False)
    monkeypatch.setattr("virtlab.registry._recordings", lambda chapter: None)
    shown = figures.startup_ladder(m)
    words = [text.get_text() for text in shown.figure.axes[0].findobj(plt.Text)]
    assert any("1 of 3 recorded elsewhere" in text for text in words)
    assert shown.table.set_index("condition").loc["qemu-tcg", "source"] == "recorded"
    assert "both recorded" in shown.sentence


def test_a_recorded_figure_tells_its_day():
    shown = figures.startup_ladder(ladder("recorded"))
    words = [text.get_text() for text in shown.figure.axes[0].findobj(plt.Text)]
    assert any("recorded on 2026-01-02" in text for text in words)


def test_sharing_says_what_was_gained_and_what_it_cost():
    sentence = SHOWN["utilization"]().sentence
    assert "25 % busy" in sentence
    assert "100 % busy" in sentence
    assert "4.00 times the work" in sentence


def test_shares_say_how_far_they_are_from_the_promise():
    sentence = SHOWN["share_against_weight"]().sentence
    assert "by cgroup" in sentence
    assert "within 1.00 points" in sentence


def test_a_timeline_adds_the_tenants_up():
    shown = SHOWN["timeline"]()
    assert "weights 100 %, caps 80 %" in shown.sentence
    together = shown.table[shown.table["who"] == "together"].set_index("condition")
    assert together["share of the core"].to_dict() == {"weights": 1.0, "caps": 0.8}


def test_a_slowdown_has_an_interval_and_marks_the_limited():
    shown = SHOWN["slowdown"]()
    table = shown.table.set_index("condition")
    assert table.loc["cpu", "low"] > 30
    assert table.loc["cpu, limited", "low"] < 1.2
    assert table.index.tolist() == ["cpu, limited", "cpu"]
    assert "“cpu” slows the response" in shown.figure.get_label()


def test_a_heat_map_writes_each_number_and_leaves_out_what_has_no_place():
    shown = SHOWN["heat_map"]()
    words = {text.get_text() for text in shown.figure.axes[0].texts}
    assert {"20.0", "40.0", "200", "400"} <= words
    assert shown.table["quota"].tolist() == [0.25, 0.5]


def test_a_heat_map_of_counts_writes_whole_numbers():
    walks = [(1, 1, 3), (1, 2, 5)]
    rows = [
        {"round": 0, "condition": f"{guest} + {host}", "guest": guest, "host": host, "reads": reads}
        for guest, host, reads in walks
    ]
    shown = figures.heat_map(measured(rows), "guest", "host", "reads", "entries read")
    assert {text.get_text() for text in shown.figure.axes[0].texts} == {"3", "5"}
    assert "between 3 and 5" in shown.sentence


def test_phases_follow_each_other():
    shown = SHOWN["phases"]()
    assert (
        shown.sentence == "Median ms of each phase of qemu-tcg (n = 1): firmware 100, kernel 800."
    )
    assert shown.figure.get_label() == "The longest phase: kernel"


def test_limits_say_what_was_got_and_what_became_of_the_tenant():
    assert "CPU quota: 0.250 instead of 1.00 cores, slowed down" in SHOWN["limits"]().sentence


LITERATURE = {
    "fork/exec of a process (abstract)": 0.5,
    "minimal Docker container": 33.0,
    "Docker container": 1.0,
    "share of pulled data that is read": None,
}


def test_the_literature_stands_beside_ours_with_source_year_and_standing():
    shown = figures.literature(LITERATURE, ladder())
    assert shown.sentence.startswith("2 of 3 published figures lie within ten times of ours.")
    assert shown.table["what"].tolist() == list(LITERATURE)
    assert shown.table["standing"].tolist() == ["seen", "seen", "second-hand", "seen"]
    assert (shown.table["source"].str.len() > 5).all()
    words = [text.get_text() for text in shown.figure.axes[0].texts]
    assert words == ["200 × (2017, second-hand)", "2.00 × (2021)", "2.00 × (2017)"]


def test_an_unknown_published_figure_is_named_with_the_nearest():
    with pytest.raises(ValueError, match=r"'minimal docker'; did you mean 'minimal Docker cont"):
        figures.literature({"minimal docker": 1.0}, ladder())


def test_every_published_figure_has_a_source_a_year_and_a_standing():
    table = published._all(data_folder() / "published-figures.csv")
    assert table.index.is_unique
    assert table["standing"].isin(published.STANDINGS).all()
    assert (table[["value", "source", "year"]] != "").all().all()
    assert table["number"].notna().sum() > 30


def test_lines_that_overlap_are_told_apart_by_a_legend():
    m = ladder()
    near = m.data.assign(first_reply_ms=m.data["first_reply_ms"] ** 0 + 0.1)
    overlapping = Measurement(near, "live", "", {}, EXP)
    shown = figures.distribution(overlapping, "first_reply_ms", "ms")
    assert shown.figure.axes[0].get_legend() is not None
    assert SHOWN["distribution"]().figure.axes[0].get_legend() is None


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (0.0, "0"),
        (0.01234, "0.0123"),
        (9.999, "10.00"),
        (957.4, "957"),
        (12345.6, "12,346"),
        (float("inf"), "∞"),
        (float("nan"), "unknown"),
    ],
)
def test_numbers_are_short(number, written):
    assert short(number) == written


def test_a_median_in_words():
    assert figures.median_and_interval([1.0] * 5) == "1.00 ms (1.00 to 1.00, n = 5)"
