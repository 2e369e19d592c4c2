"""Every plot of the course, in one style, with a sentence and a table that say the same.

JupyterLab shows no alternative text for pictures, so the sentence and the table are the figure's
text equivalent.
"""

from __future__ import annotations

import base64
import html
import io
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec

import matplotlib as mpl
import numpy as np
import pandas as pd
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from PIL import Image
from tabulate import tabulate

from virtlab.measure.statistics import median_interval, summarize
from virtlab.registry import Measurement

# Okabe and Ito, Color Universal Design, 2008; yellow is left out: it is too light on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2)), (0, (1, 1)))
HATCHES = ("", "//", "..", "xx", "\\\\", "++", "oo")
GREY = "#555555"
MOST_BYTES = 60_000

STYLE: Any = {
    "figure.facecolor": "white",
    "figure.dpi": 100,
    "figure.constrained_layout.use": True,
    "savefig.facecolor": "white",
    "savefig.transparent": False,
    "axes.facecolor": "white",
    "axes.edgecolor": "#333333",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.prop_cycle": cycler(color=COLOURS),
    "grid.color": "#DDDDDD",
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 11,
    "xtick.labelsize": 11,
    "ytick.labelsize": 11,
    "legend.fontsize": 11,
    "text.color": "black",
    "lines.linewidth": 2,
}

P = ParamSpec("P")


@dataclass(frozen=True)
class Shown:
    """A figure with the sentence and the small table that say the same.

    In a notebook it shows all three; printed as text, the sentence and the table.
    """

    figure: Figure
    sentence: str
    table: pd.DataFrame

    def png(self) -> bytes:
        """Return the figure as a white PNG of at most 60 KB."""
        with style():
            return _png(self.figure)

    def _ipython_display_(self) -> None:
        from IPython.display import display

        picture = base64.b64encode(self.png()).decode()
        display({"image/png": picture, "text/plain": self.figure.get_label()}, raw=True)
        display({"text/html": self._repr_html_(), "text/plain": str(self)}, raw=True)

    def _repr_html_(self) -> str:
        table = _readable(self.table).to_html(index=False, border=0)
        return f"<p>{html.escape(self.sentence)}</p>\n{table}"

    def __str__(self) -> str:
        rows = _readable(self.table)
        table = tabulate(rows.to_dict("list"), headers="keys", disable_numparse=True)
        return f"{self.sentence}\n{table}"

    __repr__ = __str__


@contextmanager
def style() -> Iterator[None]:
    """Draw in the course's style, and leave the student's own matplotlib settings alone."""
    with mpl.rc_context(STYLE):
        yield


def _styled(draw: Callable[P, Shown]) -> Callable[P, Shown]:
    @wraps(draw)
    def styled(*args: P.args, **kwargs: P.kwargs) -> Shown:
        with style():
            return draw(*args, **kwargs)

    return styled


@_styled
def startup_ladder(
    m: Measurement,
    prediction: Mapping[str, float] | None = None,
    boundary: str = "first_reply",
) -> Shown:
    """Draw how long each runtime takes to start: every sample, the median, and the prediction.

    Args:
        m: of an experiment with the columns of a start-up ladder.
        prediction: runtime → milliseconds that the student expected.
        boundary: where the stopwatch stops: first_instruction, first_reply or gone.
    """
    value = f"{boundary}_ms"
    table = _by_condition(m, value).sort_values("median", ignore_index=True)
    kinds = m.data.groupby("condition")["kind"].first()
    looks = {kind: place for place, kind in enumerate(dict.fromkeys(kinds[table["condition"]]))}
    expected = {name: ms for name, ms in (prediction or {}).items() if ms > 0}
    figure, axes = _figure(height=1.6 + 0.42 * len(table))
    for height, row in enumerate(_rows(table)):
        samples = (
            m.data.loc[m.data["condition"] == row["condition"], value].dropna().to_numpy(float)
        )
        look = looks[kinds[row["condition"]]]
        colour, marker = COLOURS[look % 7], MARKERS[look % 7]
        axes.plot(samples, _spread(len(samples), height), ".", color=colour, alpha=0.3, ms=4)
        filling = colour if row["source"] == "live" else "white"
        axes.plot(row["median"], height, marker, color=colour, mfc=filling, mew=2, ms=9, zorder=3)
        slowest, bar = samples.max(), expected.get(row["condition"], 0.0)
        axes.annotate(
            f"{_short(row['median'])} ms",
            # The bar of the prediction must not hide the number.
            (bar if slowest < bar < 10 * slowest else slowest, height),
            xytext=(9, 0),
            textcoords="offset points",
            va="center",
        )
    for height, name in enumerate(table["condition"]):
        if name in expected:
            label = None if axes.get_legend_handles_labels()[1] else "your prediction"
            axes.plot(expected[name], height, "|", color="black", ms=22, mew=3, label=label)
    _log_axis(axes.xaxis)
    axes.set_xlabel(f"milliseconds from the call to {_words(boundary)} (log axis)")
    axes.set_yticks(range(len(table)), [_rung(m, name) for name in table["condition"]])
    axes.set_ylim(-0.6, len(table) - 0.4)
    axes.margins(x=0.12)
    axes.grid(axis="y", visible=False)
    if axes.get_legend_handles_labels()[1]:
        axes.legend(loc="lower right", frameon=True)
    message = f"{table['condition'].iloc[0]} starts first"
    times = ""
    if len(table) > 1:
        first, last = table["condition"].iloc[0], table["condition"].iloc[-1]
        ratio, source = m.ratio(last, first, value)
        message = f"{last} takes {_short(ratio.estimate)} times as long to start as {first}"
        times = (
            f" The ratio {last} / {first} is {_short(ratio.estimate)} "
            f"(95 % interval {_short(ratio.low)} to {_short(ratio.high)}, both {source})."
        )
    _title(axes, message, m)
    listed = ", ".join(f"{row['condition']} {_short(row['median'])}" for row in _rows(table))
    sentence = f"Median ms from the call to {_words(boundary)}: {listed}.{times}"
    return Shown(figure, sentence, table)


@_styled
def utilization(m: Measurement) -> Shown:
    """Draw how busy 1..N tenants keep one core, against a core each, and what they wait for it."""
    table = (
        m.data.groupby("tenants", as_index=False)
        .agg(
            n=("busy_fraction", "size"),
            busy_fraction=("busy_fraction", "median"),
            work_per_core_s=("work_per_core_s", "median"),
            response_ms=("response_ms", "median"),
        )
        .sort_values("tenants", ignore_index=True)
    )
    alone, most = table.iloc[0], table.iloc[-1]
    figure, (left, right) = _figure(width=8.5, height=3.8, columns=2)
    left.plot(table["tenants"], 100 * table["busy_fraction"], "-o", color=COLOURS[0])
    left.axhline(100 * alone["busy_fraction"], color=COLOURS[1], ls="--")
    left.annotate(
        "sharing one core",
        (most["tenants"], 100 * most["busy_fraction"]),
        xytext=(0, -18),
        textcoords="offset points",
        ha="right",
        color=COLOURS[0],
    )
    left.annotate(
        "a core each",
        (most["tenants"], 100 * alone["busy_fraction"]),
        xytext=(0, -16),
        textcoords="offset points",
        ha="right",
        color=COLOURS[1],
    )
    left.set(xlabel="tenants", ylabel="busy (% of each core)", ylim=(0, 112))
    right.plot(table["tenants"], table["response_ms"], "-s", color=COLOURS[3])
    right.set(xlabel="tenants sharing the core", ylabel="median response (ms, log axis)")
    _log_axis(right.yaxis)
    for axes in (left, right):
        axes.set_xticks(table["tenants"])
    waits = most["response_ms"] / alone["response_ms"]
    _title(left, "Sharing fills the core …", m)
    right.set_title("… and makes tenants wait\n", fontsize=12)
    gain = most["work_per_core_s"] / alone["work_per_core_s"]
    sentence = (
        f"One tenant keeps a core {100 * alone['busy_fraction']:.0f} % busy; "
        f"{most['tenants']:.0f} tenants keep it {100 * most['busy_fraction']:.0f} % busy and get "
        f"{_short(gain)} times the work out of each core-second. Their median response takes "
        f"{_short(waits)} times as long."
    )
    return Shown(figure, sentence, table)


@_styled
def distribution(
    m: Measurement,
    value: str,
    xlabel: str,
    message: str = "",
    conditions: Sequence[str] = (),
) -> Shown:
    """Draw the cumulative distribution of a value for each condition, on a log axis.

    Args:
        m: the measurement.
        value: the column to draw; values must be positive.
        xlabel: what it is, with its unit.
        message: what the figure says; made from the medians if empty.
        conditions: which to draw, in this order; all if empty.
    """
    table = _by_condition(m, value)
    if conditions:
        table = table.set_index("condition").loc[list(conditions)].reset_index()
    figure, axes = _figure()
    heights = np.linspace(0.85, 0.25, len(table)) if len(table) > 1 else [0.5]
    for place, (row, height) in enumerate(zip(_rows(table), heights, strict=True)):
        samples = (
            m.data.loc[m.data["condition"] == row["condition"], value].dropna().to_numpy(float)
        )
        colour = COLOURS[place % 7]
        axes.ecdf(samples, color=colour, ls=LINES[place % 7])
        axes.annotate(
            str(row["condition"]),
            (float(np.quantile(samples, height, method="inverted_cdf")), height),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            color=_ink(colour),
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
        )
    axes.set(xlabel=f"{xlabel} (log axis)", ylabel="share of samples", ylim=(0, 1.02))
    _log_axis(axes.xaxis)
    axes.margins(x=0.15)
    ordered = table.sort_values("median")
    slowest, fastest = ordered.iloc[-1], ordered.iloc[0]
    _title(axes, message or f"{slowest['condition']} is slower than {fastest['condition']}", m)
    listed = ", ".join(f"{row['condition']} {_short(row['median'])}" for row in _rows(table))
    return Shown(figure, f"Median {xlabel}: {listed}.", table)


def _rows(table: pd.DataFrame) -> list[dict[Any, Any]]:
    return table.to_dict("records")


def _figure(width: float = 7.6, height: float = 4.2, columns: int = 1) -> tuple[Figure, Any]:
    """Return a figure outside pyplot, so that a notebook does not show it a second time."""
    figure = Figure(figsize=(width, height))
    return figure, figure.subplots(1, columns)


def _log_axis(axis: Axis) -> None:
    """Make the axis logarithmic, with plain numbers at its ticks, at least two of them."""
    axis.axes.set(**{"xscale" if axis is axis.axes.xaxis else "yscale": "log"})
    low, high = axis.get_view_interval()
    decades = math.log10(high / low)
    axis.set_major_locator(LogLocator(subs=(1.0,) if decades > 2 else (1.0, 2.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(lambda number, _: f"{number:,.12g}"))
    axis.set_minor_formatter(NullFormatter())


def _ink(colour: str) -> str:
    """Return the colour for text: the light ones are hard to read on white, so they turn black."""
    return "black" if colour in (COLOURS[4], COLOURS[5]) else colour


def _title(axes: Axes, message: str, m: Measurement) -> None:
    """Set the figure's message as its title, with the source of its numbers below."""
    axes.set_title(f"{message}\n", fontsize=12)
    axes.text(
        0, 1.02, _source_words(m), transform=axes.transAxes, color=GREY, fontsize=11, va="bottom"
    )
    figure = axes.get_figure()
    assert figure is not None
    figure.set_label(message)


def _source_words(m: Measurement) -> str:
    counts = m.data.groupby("condition", sort=False).size()
    fewest, most = counts.min(), counts.max()
    n = f"n = {fewest}" if fewest == most else f"n = {fewest} to {most}"
    if m.source == "mixed":
        recorded = m.data.loc[m.data["source"] == "recorded", "condition"].nunique()
        return f"live; {recorded} of {len(counts)} recorded elsewhere (hollow), {n}"
    if m.source == "recorded":
        day = str(m.provenance.get("date", ""))[:10]
        return f"recorded on {day} on another machine, {n}" if day else f"recorded, {n}"
    return f"{m.source} on this machine, {n}" if m.source == "live" else f"{m.source}, {n}"


def _by_condition(m: Measurement, value: str) -> pd.DataFrame:
    """Return summarize()'s table with the source of each condition."""
    table = summarize(m.data, value)
    sources = m.data.groupby("condition")["source"].first()
    return table.assign(source=table["condition"].map(sources))


def _rung(m: Measurement, name: str) -> str:
    """Return a rung's label: a virtual machine names what runs its instructions."""
    accelerator = m.data.loc[m.data["condition"] == name, "accelerator"].iloc[0]
    return f"{name} ({accelerator})" if isinstance(accelerator, str) and accelerator else name


def _spread(count: int, height: float) -> np.ndarray:
    """Return heights a little apart, so that samples of one row do not hide each other."""
    golden = 0.618_033_988_75
    return height + 0.5 * (np.arange(count) * golden % 1 - 0.5)


def _words(boundary: str) -> str:
    return {"gone": "its end"}.get(boundary, "the " + boundary.replace("_", " "))


def _short(number: float) -> str:
    """Write a number with three significant digits and no exponent."""
    if not math.isfinite(number):
        return "unknown" if math.isnan(number) else ("∞" if number > 0 else "-∞")
    if number == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(number))))
    return f"{number:,.{digits}f}"


def _readable(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table as text: numbers short, missing ones as a dash."""

    def cell(value: Any) -> str:
        if isinstance(value, float | np.floating):
            return "–" if math.isnan(value) else _short(float(value))
        return str(value)

    return table.map(cell).rename(columns=lambda name: str(name).replace("_", " "))


def _png(figure: Figure) -> bytes:
    """Return the figure as a palette PNG; plots have few colours, so this loses nothing seen."""
    raw = io.BytesIO()
    figure.savefig(raw, format="png")
    image = Image.open(raw).convert("RGB")
    for colours in (128, 32, 8):
        small = io.BytesIO()
        image.quantize(colours).save(small, format="png", optimize=True)
        if small.tell() <= MOST_BYTES:
            break
    return small.getvalue()


def median_and_interval(samples: Sequence[float], unit: str = "ms", seed: int = 1) -> str:
    """Return a median with its interval and n in words, as `0.81 ms (0.79 to 0.83, n = 200)`."""
    found = median_interval(samples, seed)
    return (
        f"{_short(found.estimate)} {unit} ({_short(found.low)} to {_short(found.high)}, "
        f"n = {len(samples)})"
    )
