"""Each figure is white, small, titled with its message and source, and says the same in words."""

import io
import re

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from PIL import Image

from virtlab import figures
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


SHOWN = {
    "startup_ladder": lambda: figures.startup_ladder(ladder(), {"thread": 1.0, "gone": 3.0}),
    "distribution": lambda: figures.distribution(ladder(), "first_reply_ms", "ms to the reply"),
    "utilization": lambda: figures.utilization(shared()),
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
    assert any("live on this machine, n = " in text for text in words)
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
    assert labels == ["thread", "runc", "qemu-tcg (TCG)"]
    assert "qemu-tcg" in shown.figure.get_label()
    assert "both live" in shown.sentence


def test_the_prediction_is_drawn():
    plain = figures.startup_ladder(ladder()).figure.axes[0].get_legend()
    drawn = SHOWN["startup_ladder"]().figure.axes[0].get_legend()
    assert plain is None
    assert [text.get_text() for text in drawn.get_texts()] == ["your prediction"]


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
    assert figures._short(number) == written


def test_a_median_in_words():
    assert figures.median_and_interval([1.0] * 5) == "1.00 ms (1.00 to 1.00, n = 5)"
