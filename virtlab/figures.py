"""Every plot of the course, in one style, with a sentence and a table that say the same.

JupyterLab shows no alternative text for pictures, so the sentence and the table are the figure's
text equivalent.
"""

from __future__ import annotations

import base64
import html
import io
import math
import textwrap
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

from virtlab import published
from virtlab.measure.statistics import median_interval, p99, summarize
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
    _title(left, "Sharing fills the core and makes tenants wait", m)
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
    figure, axes = _figure(height=max(4.2, 1.2 + 0.24 * len(table)))
    medians = np.sort(table["median"].to_numpy(float))
    few = len(table) <= len(COLOURS)
    apart = few and (len(table) < 2 or bool((medians[1:] / medians[:-1]).min() > 1.15))
    heights = np.linspace(0.85, 0.25, len(table)) if len(table) > 1 else [0.5]
    for place, (row, height) in enumerate(zip(_rows(table), heights, strict=True)):
        samples = (
            m.data.loc[m.data["condition"] == row["condition"], value].dropna().to_numpy(float)
        )
        colour = COLOURS[place % 7]
        line = LINES[(place + place // 7) % 7]  # no two alike among 49
        axes.ecdf(samples, color=colour, ls=line, label=row["condition"])
        if apart:
            axes.annotate(
                str(row["condition"]),
                (float(np.quantile(samples, height, method="inverted_cdf")), height),
                xytext=(6, 0),
                textcoords="offset points",
                va="center",
                color=_ink(colour),
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
            )
    if few and not apart:  # labels beside the lines would not tell which is which
        axes.legend(loc="lower right", handlelength=3.5)
    elif not few:
        figure.legend(loc="outside right upper", handlelength=3.5, frameon=False)
    axes.set(xlabel=f"{xlabel} (log axis)", ylabel="share of samples", ylim=(0, 1.02))
    _log_axis(axes.xaxis)
    axes.margins(x=0.15)
    ordered = table.sort_values("median")
    slowest, fastest = ordered.iloc[-1], ordered.iloc[0]
    _title(axes, message or f"{slowest['condition']} is slower than {fastest['condition']}", m)
    listed = ", ".join(f"{row['condition']} {_short(row['median'])}" for row in _rows(table))
    return Shown(figure, f"Median {xlabel}: {listed}.", table)


@_styled
def share_against_weight(m: Measurement) -> Shown:
    """Draw the share of the core each tenant got against the share its weight promises."""
    table = m.data.groupby(["condition", "tenants", "tenant"], as_index=False, sort=False).agg(
        weight=("weight", "first"),
        expected=("expected", "first"),
        share=("share", "median"),
        n=("share", "size"),
    )
    table = table.sort_values(["tenants", "condition", "tenant"], ignore_index=True)
    figure, axes = _figure(width=6.4, height=4.8)
    top = 105 * max(table["expected"].max(), table["share"].max())
    axes.plot([0, top], [0, top], color=GREY, ls="--", lw=1)
    axes.annotate(
        "as promised",
        (0.62 * top, 0.62 * top),
        xytext=(8, -14),
        textcoords="offset points",
        color=GREY,
    )
    for place, (tenants, group) in enumerate(table.groupby("tenants")):
        axes.plot(
            100 * group["expected"],
            100 * group["share"],
            MARKERS[place % 7],
            color=COLOURS[place % 7],
            mfc="none",
            mew=2,
            ms=9,
            label=f"{tenants} tenants",
        )
    axes.set(xlabel="promised by weight (% of the core)", ylabel="got (% of the core)")
    axes.set(xlim=(0, top), ylim=(0, top))
    axes.legend(loc="upper left", frameon=True)
    worst = 100 * (table["share"] - table["expected"]).abs().max()
    follows = worst < 5
    message = "Shares follow the weights" if follows else "Shares differ from the weights"
    _title(axes, message, m, count=False)
    mechanism = str(m.data["mechanism"].iloc[0])
    sentence = (
        f"{table['tenants'].min()} to {table['tenants'].max()} tenants share one core by "
        f"{mechanism}: each got what its weight promises, to within {_short(worst)} points of 100."
    )
    return Shown(figure, sentence, table.drop(columns="tenants"))


@_styled
def timeline(m: Measurement, value: str = "core_share", of: str = "the core") -> Shown:
    """Draw what each tenant got over time, one above the other, a panel for each condition.

    Args:
        m: of an experiment with the columns condition, tenant, second and the value.
        value: the column to stack; a share from 0 to 1.
        of: what it is a share of.
    """
    data = m.data.groupby(["condition", "tenant", "second"], as_index=False)[value].median()
    conditions = list(m.data["condition"].unique())
    figure, panels = _figure(width=8.5, height=3.8, columns=len(conditions))
    rows = []
    for axes, condition in zip(np.atleast_1d(panels), conditions, strict=True):
        wide = data[data["condition"] == condition].pivot(
            index="second", columns="tenant", values=value
        )
        width = float(np.median(np.diff(wide.index))) if len(wide) > 1 else 1.0
        below = np.zeros(len(wide))
        for place, tenant in enumerate(wide.columns):
            height = 100 * wide[tenant].to_numpy(float)
            axes.bar(
                wide.index,
                height,
                width,
                below,
                align="edge",
                label=f"tenant {tenant}",
                color=COLOURS[place % 7],
                hatch=HATCHES[(place + 1) % 7],
                edgecolor="white",
                lw=0.3,
            )
            below = below + height
            rows.append((condition, f"tenant {tenant}", wide[tenant].mean()))
        rows.append((condition, "together", below.mean() / 100))
        axes.set(xlabel="seconds", ylabel=f"% of {of}", ylim=(0, max(118.0, below.max() * 1.15)))
        axes.text(0.02, 0.97, condition, transform=axes.transAxes, va="top", fontweight="bold")
    first = np.atleast_1d(panels)[0]
    handles, labels = first.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    table = pd.DataFrame(rows, columns=["condition", "who", f"share of {of}"])
    used = {row[0]: 100 * row[2] for row in rows if row[1] == "together"}
    listed = ", ".join(f"{name} {percent:.0f} %" for name, percent in used.items())
    _title(first, f"How much of {of} is used: {listed}", m, count=False)
    return Shown(figure, f"Of {of} the tenants together use: {listed}.", table)


@_styled
def slowdown(
    m: Measurement, value: str = "response_ms", baseline: str = "alone", what: str = "response"
) -> Shown:
    """Draw how many times as long each condition takes as the baseline, with intervals.

    The interval holds the ratio of medians at 95 %, with rounds as what varies.

    Args:
        m: of an experiment with several rounds, and the baseline among its conditions.
        value: the column to compare; a column `limited` decides how a point is drawn.
        baseline: the condition that counts as 1.
        what: what the value is, in a word.
    """
    names = [name for name in m.data["condition"].unique() if name != baseline]
    ratios = {name: m.ratio(name, baseline, value) for name in names}
    worst_of: dict[str, float] = {}
    for name in names:
        group = name.split(",")[0]
        worst_of[group] = max(worst_of.get(group, 0.0), ratios[name][0].estimate)
    names.sort(key=lambda name: (worst_of[name.split(",")[0]], ratios[name][0].estimate))
    limited = set(m.data.loc[m.data["limited"], "condition"]) if "limited" in m.data else set()
    figure, axes = _figure(height=1.7 + 0.4 * len(names))
    axes.axvline(1, color=GREY, ls="--", lw=1)
    rows = []
    for height, name in enumerate(names):
        (low, estimate, high), source = ratios[name]
        held = name in limited
        colour = COLOURS[2] if held else COLOURS[1]
        if math.isfinite(low) and math.isfinite(high):
            axes.plot([low, high], [height, height], "-", color=colour)
        axes.plot(
            estimate,
            height,
            "s" if held else "o",
            color=colour,
            mfc="white" if held else colour,
            mew=2,
            ms=9,
        )
        axes.annotate(
            f"{_short(estimate)}×",
            (high if math.isfinite(high) else estimate, height),
            xytext=(9, 0),
            textcoords="offset points",
            va="center",
        )
        rows.append((name, m.data["condition"].eq(name).sum(), estimate, low, high, source))
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(-0.6, len(names) - 0.4)
    axes.grid(axis="y", visible=False)
    axes.margins(x=0.12)
    _log_axis(axes.xaxis)
    axes.set_xlabel(f"median {what}, times that of “{baseline}” (log axis)")
    table = pd.DataFrame(rows, columns=["condition", "n", "times", "low", "high", "source"])
    worst = table.sort_values("times").iloc[-1]
    _title(axes, f"“{worst['condition']}” slows the {what} {_short(worst['times'])} times", m)
    listed = ", ".join(f"{row['condition']} {_short(row['times'])}" for row in _rows(table))
    sentence = f"Median {what} as a multiple of “{baseline}”: {listed}."
    return Shown(figure, sentence, table)


@_styled
def heat_map(
    m: Measurement,
    rows: str,
    columns: str,
    value: str,
    label: str,
    statistic: str = "median",
    message: str = "",
) -> Shown:
    """Draw a value for every pair of two settings, with the number in each cell.

    Args:
        m: the measurement; rows without either setting are left out.
        rows: the column whose values are the rows of the map.
        columns: the column whose values are its columns.
        value: the column to show.
        label: what it is, with its unit.
        statistic: how the samples of a cell become one number: median, max, mean or p99.
        message: what the figure says; the extremes if empty.
    """
    pooled = m.data.dropna(subset=[rows, columns, value])
    groups = pooled.groupby([rows, columns])[value]
    wide = (groups.apply(p99) if statistic == "p99" else groups.agg(statistic)).unstack()
    cells = wide.to_numpy(float)
    figure, axes = _figure(width=max(6.4, 2.4 + wide.shape[1]), height=1.9 + 0.62 * wide.shape[0])
    shades = axes.imshow(cells, cmap="cividis", aspect="auto")
    middle = np.nanmin(cells) + (np.nanmax(cells) - np.nanmin(cells)) / 2
    for (high, across), number in np.ndenumerate(cells):
        ink = "black" if number > middle else "white"
        axes.text(across, high, _short(number), ha="center", va="center", color=ink)
    axes.set_xticks(range(wide.shape[1]), [f"{one:g}" for one in wide.columns])
    axes.set_yticks(range(wide.shape[0]), [f"{one:g}" for one in wide.index])
    axes.set(xlabel=columns.replace("_", " "), ylabel=rows.replace("_", " "))
    axes.grid(visible=False)
    figure.colorbar(shades, label=label)
    least, most = np.nanmin(cells), np.nanmax(cells)
    _title(axes, message or f"From {_short(least)} to {_short(most)}", m)
    sentence = (
        f"{label} ({statistic}) lies between {_short(least)} and {_short(most)}, by "
        f"{rows.replace('_', ' ')} and {columns.replace('_', ' ')}."
    )
    table = wide.reset_index()
    table.columns = [str(name) for name in table.columns]
    return Shown(figure, sentence, table)


@_styled
def phases(m: Measurement) -> Shown:
    """Draw the phases of one life after the other, as of a boot, one bar for each condition.

    Args:
        m: of an experiment with the columns condition, phase, start_ms and end_ms.
    """
    data = m.data.assign(ms=m.data["end_ms"] - m.data["start_ms"])
    order = list(data.sort_values("start_ms")["phase"].unique())
    table = data.groupby(["condition", "phase"], as_index=False, sort=False)[
        ["start_ms", "ms"]
    ].median()
    conditions = list(table["condition"].unique())
    figure, axes = _figure(height=1.9 + 0.75 * len(conditions))
    named: set[str] = set()  # each phase stands once in the legend
    for height, condition in enumerate(conditions):
        own = table[table["condition"] == condition]
        whole = (own["start_ms"] + own["ms"]).max()
        for row in _rows(own):
            place = order.index(row["phase"])
            axes.barh(
                height,
                row["ms"],
                left=row["start_ms"],
                height=0.6,
                edgecolor="white",
                color=COLOURS[place % 7],
                hatch=HATCHES[place % 7],
                label=None if row["phase"] in named else row["phase"],
            )
            named.add(row["phase"])
        axes.annotate(
            f"{_short(whole)} ms",
            (whole, height),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
        )
    axes.set_yticks(range(len(conditions)), conditions)
    axes.set_xlabel("milliseconds from the call")
    axes.margins(x=0.12)
    axes.grid(axis="y", visible=False)
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    longest = table.sort_values("ms").iloc[-1]
    lives = data.groupby(["condition", "phase"]).size().max()
    _title(axes, f"Most of the time goes to: {longest['phase']}", m, count=False)
    listed = ", ".join(
        f"{row['phase']} {_short(row['ms'])}"
        for row in _rows(table[table["condition"] == longest["condition"]])
    )
    sentence = f"Median ms of each phase of {longest['condition']} (n = {lives}): {listed}."
    return Shown(figure, sentence, table)


@_styled
def overcommit(m: Measurement) -> Shown:
    """Draw what happens to requests as more is promised than there is, and what warns of it."""
    table = m.data.groupby("tenants", as_index=False).agg(
        n=("requests", "sum"),
        promised=("promised", "first"),
        response_ms=("response_ms", "median"),
        response_p99_ms=("response_p99_ms", "median"),
        waited=("waited", "median"),
        cpu_pressure=("cpu_pressure", "median"),
    )
    figure, (left, right) = _figure(width=8.5, height=3.8, columns=2)
    x = 100 * table["promised"]
    left.plot(x, table["response_p99_ms"], "-^", color=COLOURS[1], label="p99")
    left.plot(x, table["response_ms"], "-o", color=COLOURS[0], label="median")
    left.set(xlabel="promised (% of the core)", ylabel="response (ms, log axis)")
    _log_axis(left.yaxis)
    left.legend(loc="upper left")
    right.plot(x, 100 * table["cpu_pressure"], "--s", color=COLOURS[3], label="machine (PSI)")
    right.plot(x, 100 * table["waited"], "-o", color=COLOURS[2], label="one tenant")
    right.set(xlabel="promised (% of the core)", ylabel="waiting for a core (% of the time)")
    right.set_ylim(0, 105)
    right.legend(loc="lower right")
    _title(left, "The tail grows before the core is full, and waiting tells of it", m)
    first, last = table.iloc[0], table.iloc[-1]
    sentence = (
        f"With {100 * first['promised']:.0f} % of the core promised the median response takes "
        f"{_short(first['response_ms'])} ms, with {100 * last['promised']:.0f} % "
        f"{_short(last['response_ms'])} ms; the time a tenant waits for the core rises from "
        f"{100 * first['waited']:.0f} to {100 * last['waited']:.0f} %."
    )
    return Shown(figure, sentence, table)


@_styled
def page_sharing(m: Measurement) -> Shown:
    """Draw what tenants with the same bytes hold: in RSS, which counts a page again, and in PSS."""
    table = m.data.groupby("condition", as_index=False, sort=False).agg(
        asked_mib=("asked_mib", "first"),
        rss_mib=("rss_mib", "median"),
        pss_mib=("pss_mib", "median"),
    )
    table = table.sort_values("pss_mib", ascending=False, ignore_index=True)
    figure, axes = _figure(height=4.0)
    places = np.arange(len(table))
    for shift, name, look in ((-0.2, "rss_mib", 0), (0.2, "pss_mib", 1)):
        bars = axes.bar(
            places + shift,
            table[name],
            0.38,
            color=COLOURS[look],
            hatch=HATCHES[look],
            edgecolor="white",
            label=name.split("_")[0].upper(),
        )
        axes.bar_label(bars, [_short(one) for one in table[name]], padding=2)
    axes.set_xticks(places, table["condition"])
    axes.set_ylabel("MiB, all tenants together")
    axes.grid(axis="x", visible=False)
    axes.margins(y=0.08)
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    most, least = table.iloc[0], table.iloc[-1]
    _title(
        axes, f"Sharing pages: {_short(most['pss_mib'])} MiB become {_short(least['pss_mib'])}", m
    )
    listed = ", ".join(f"{row['condition']} {_short(row['pss_mib'])}" for row in _rows(table))
    sentence = (
        f"Tenants that asked for {_short(most['asked_mib'])} MiB of the same bytes hold, in MiB of "
        f"PSS: {listed}. The sum of RSS shows no difference."
    )
    return Shown(figure, sentence, table)


@_styled
def limits(m: Measurement) -> Shown:
    """Draw what a tenant gets under each limit, as a share of what it gets without."""
    table = m.data.pivot_table(index="limit", columns="limited", values="got", sort=False)
    limited = m.data[m.data["limited"]].groupby("limit", sort=False)
    table = pd.DataFrame(
        {
            "limit": table.index,
            "free": table[False].to_numpy(),
            "limited": table[True].to_numpy(),
            "bound": limited["bound"].first().reindex(table.index).to_numpy(),
            "unit": limited["unit"].first().reindex(table.index).to_numpy(),
            "events": limited["events"].median().reindex(table.index).to_numpy(),
            "outcome": limited["outcome"].first().reindex(table.index).to_numpy(),
        }
    ).sort_values("limit", ascending=False, ignore_index=True)
    figure, axes = _figure(height=1.7 + 0.45 * len(table))
    for height, row in enumerate(_rows(table)):
        axes.barh(height, 100, height=0.7, color="#EEEEEE")
        share = 100 * row["limited"] / row["free"]
        axes.barh(height, share, height=0.7, color=COLOURS[0], hatch="//", edgecolor="white")
        axes.plot(
            [100 * row["bound"] / row["free"]] * 2, [height - 0.42, height + 0.42], "k-", lw=3
        )
        words = f"{_short(row['limited'])} of {_short(row['free'])} {row['unit']}: {row['outcome']}"
        axes.annotate(words, (102, height), va="center", annotation_clip=False)
    axes.set_yticks(range(len(table)), table["limit"])
    axes.set(xlim=(0, 205), xlabel="what the tenant got (% of what it gets without the limit)")
    axes.set_xticks([0, 25, 50, 75, 100])
    axes.grid(visible=False)
    binds = table["limited"] < table["free"]
    _title(axes, f"{binds.sum()} of {len(table)} limits bind (black: what is allowed)", m)
    listed = "; ".join(
        f"{row['limit']}: {_short(row['limited'])} instead of {_short(row['free'])} {row['unit']}, "
        f"{row['outcome']}"
        for row in _rows(table[::-1])
    )
    return Shown(figure, f"With the limit the tenant got: {listed}.", table[::-1])


@_styled
def walls(m: Measurement, prediction: Mapping[str, float] | None = None) -> Shown:
    """Draw what each step of building a container takes: every sample, median, and prediction.

    Args:
        m: of an experiment with the columns condition (the step) and us.
        prediction: step → microseconds that the student expected.
    """
    table = _by_condition(m, "us").sort_values("median", ignore_index=True)
    expected = {name: us for name, us in (prediction or {}).items() if us > 0}
    figure, axes = _figure(height=1.6 + 0.36 * len(table))
    for height, row in enumerate(_rows(table)):
        samples = m.data.loc[m.data["condition"] == row["condition"], "us"].to_numpy(float)
        axes.plot(samples, _spread(len(samples), height), ".", color=COLOURS[0], alpha=0.25, ms=4)
        filling = COLOURS[0] if row["source"] == "live" else "white"
        axes.plot(row["median"], height, "o", color=COLOURS[0], mfc=filling, mew=2, ms=9, zorder=3)
        axes.annotate(
            f"{_short(row['median'])} µs",
            (max(samples.max(), expected.get(row["condition"], 0.0)), height),
            xytext=(9, 0),
            textcoords="offset points",
            va="center",
        )
    for height, name in enumerate(table["condition"]):
        if name in expected:
            label = None if axes.get_legend_handles_labels()[1] else "your prediction"
            axes.plot(expected[name], height, "|", color="black", ms=20, mew=3, label=label)
    _log_axis(axes.xaxis)
    axes.set_xlabel("microseconds for the step (log axis)")
    axes.set_yticks(range(len(table)), table["condition"])
    axes.set_ylim(-0.6, len(table) - 0.4)
    axes.margins(x=0.14)
    axes.grid(axis="y", visible=False)
    if axes.get_legend_handles_labels()[1]:
        axes.legend(loc="lower right", frameon=True)
    dearest = list(table["condition"].iloc[:-3:-1])
    share = table["median"].iloc[-2:].sum() / table["median"].sum()
    _title(axes, f"{' and '.join(dearest)} take {100 * share:.0f} % of the time", m)
    listed = ", ".join(f"{row['condition']} {_short(row['median'])}" for row in _rows(table))
    whole = _short(table["median"].sum())
    return Shown(figure, f"Median µs of each step: {listed}. All steps together: {whole}.", table)


@_styled
def idle_memory(m: Measurement) -> Shown:
    """Draw what one idle instance of each kind costs: its program, its keepers, the kernel.

    Args:
        m: of an experiment with the columns program_kib, keeper_kib, kernel_kib and total_kib.
    """
    parts = {
        "program_kib": "the program",
        "keeper_kib": "processes that keep it",
        "kernel_kib": "the kernel",
    }
    table = (
        m.data.groupby("condition", as_index=False)
        .agg(
            n=("total_kib", "size"),
            **{name: (name, "median") for name in (*parts, "total_kib")},
            source=("source", "first"),
        )
        .sort_values("total_kib", ignore_index=True)
    )
    figure, axes = _figure(height=1.9 + 0.45 * len(table))
    for place, (name, words) in enumerate(parts.items()):
        shown = table[table[name] > 0]
        axes.plot(
            shown[name],
            shown.index,
            MARKERS[place],
            color=COLOURS[place],
            mfc="white" if m.source == "recorded" else COLOURS[place],
            mew=2,
            ms=9,
            label=words,
        )
    for height, row in enumerate(_rows(table)):
        axes.annotate(
            f"{_short(row['total_kib'])} KiB",
            (max(row[name] for name in parts if row[name] == row[name]), height),
            xytext=(10, 0),
            textcoords="offset points",
            va="center",
        )
    _log_axis(axes.xaxis)
    axes.set_xlabel("KiB for one idle instance (log axis); at the right the sum")
    axes.set_yticks(range(len(table)), [_rung(m, name) for name in table["condition"]])
    axes.set_ylim(-0.6, len(table) - 0.4)
    axes.margins(x=0.2)
    axes.grid(axis="y", visible=False)
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    least, most = table.iloc[0], table.iloc[-1]
    times = _short(most["total_kib"] / least["total_kib"])
    _title(axes, f"An idle {most['condition']} costs {times} × {least['condition']}", m)
    listed = ", ".join(f"{row['condition']} {_short(row['total_kib'])}" for row in _rows(table))
    return Shown(figure, f"Median KiB of one idle instance: {listed}.", table)


@_styled
def literature(ours: Mapping[str, float | None], m: Measurement, message: str = "") -> Shown:
    """Draw published figures as multiples of ours: what is right of the line was slower or more.

    Args:
        ours: what a published figure is of (as in data/published-figures.csv) → our number in its
            unit, or None where we have none: it is then in the table only.
        m: the measurement that ours are from; its source is told.
        message: what the figure says; how near they lie if empty.

    Raises:
        ValueError: if there is no such published figure.
    """
    table = published.figures(ours)
    table["ours"] = [math.nan if one is None else float(one) for one in ours.values()]
    table["times"] = table["number"] / table["ours"]
    drawn = table.dropna(subset=["times"]).iloc[::-1].reset_index(drop=True)
    figure, axes = _figure(width=8.5, height=1.8 + 0.42 * max(1, len(drawn)))
    axes.axvline(1, color=GREY, ls="--", lw=1)
    for height, row in enumerate(_rows(drawn)):
        second_hand = row["standing"] == "second-hand"
        colour = COLOURS[1] if second_hand else COLOURS[0]
        axes.plot([1, row["times"]], [height, height], "-", color="#BBBBBB", lw=1, zorder=1)
        axes.plot(
            row["times"],
            height,
            "s" if second_hand else "o",
            color=colour,
            mew=2,
            ms=9,
            mfc="white" if second_hand else colour,
        )
        axes.annotate(
            f"{_short(row['times'])} × ({row['year']}{', second-hand' if second_hand else ''})",
            (max(row["times"], 1), height),
            xytext=(9, 0),
            textcoords="offset points",
            va="center",
        )
    axes.set_yticks(range(len(drawn)), [textwrap.fill(what, 34) for what in drawn["what"]])
    axes.set_ylim(-0.6, len(drawn) - 0.4)
    axes.grid(axis="y", visible=False)
    spread = [1.0, *drawn["times"]]
    axes.set_xlim(min(spread) / 3, max(spread) * 60)  # room for the labels
    _log_axis(axes.xaxis)
    axes.set_xlabel("published, times ours (log axis)")
    near = int(drawn["times"].between(0.1, 10).sum())
    told = f"{near} of {len(drawn)} published figures lie within ten times of ours"
    _title(axes, message or told, m, count=False)
    listed = "; ".join(
        f"{row['what']}: {row['value']} {row['unit']} ({row['year']}) against our "
        f"{_short(row['ours'])}"
        for row in _rows(drawn[::-1])
    )
    shown = table.drop(columns=["topic", "number", "times"]).rename(
        columns={"boundary_or_conditions": "conditions", "value": "published"}
    )
    first = ["what", "published", "ours", "unit"]
    shown = shown[first + [name for name in shown.columns if name not in first]]
    return Shown(figure, f"{told}. {listed}.", shown)


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


def _title(axes: Axes, message: str, m: Measurement, count: bool = True) -> None:
    """Set the figure's message as its title, with the source of its numbers below."""
    figure = axes.get_figure()
    assert isinstance(figure, Figure)
    lines = textwrap.fill(message, int(10 * figure.get_figwidth()))
    figure.suptitle(lines, x=0.01, ha="left", fontsize=12, fontweight="bold")
    axes.set_title(_source_words(m, count), fontsize=11, fontweight="normal", color=GREY)
    figure.set_label(message)


def _source_words(m: Measurement, count: bool = True) -> str:
    """Return where the numbers come from; with the number of rows of each condition."""
    counts = m.data.groupby("condition", sort=False).size()
    fewest, most = counts.min(), counts.max()
    n = f", n = {fewest}" if fewest == most else f", n = {fewest} to {most}"
    n = n if count else ""
    if m.source == "mixed":
        recorded = m.data.loc[m.data["source"] == "recorded", "condition"].nunique()
        return f"live; {recorded} of {len(counts)} recorded elsewhere (hollow){n}"
    if m.source == "recorded":
        day = str(m.provenance.get("date", ""))[:10]
        return f"recorded on {day} on another machine{n}" if day else f"recorded{n}"
    return f"{m.source} on this machine{n}" if m.source == "live" else f"{m.source}{n}"


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
