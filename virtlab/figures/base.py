"""The course's one style of figures, and what every figure shows: picture, sentence and table.

JupyterLab shows no alternative text for pictures, so the sentence and the table are the figure's
text equivalent.
"""

from __future__ import annotations

import base64
import html
import io
import math
import textwrap
from collections.abc import Callable, Iterator
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

from virtlab import keeping
from virtlab.measure.statistics import summarize
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

    def bundles(self) -> tuple[dict[str, str], dict[str, str]]:
        """Return what a notebook shows, by MIME type: the picture, then sentence and table."""
        picture = base64.b64encode(self.png()).decode()
        return (
            {"image/png": picture, "text/plain": str(self.figure.get_label())},
            {"text/html": self._repr_html_(), "text/plain": str(self)},
        )

    def _ipython_display_(self) -> None:
        from IPython.display import display

        picture, words = self.bundles()
        display(picture, raw=True)
        display(words, raw=True)
        self._keep(base64.b64decode(picture["image/png"]))

    def _keep(self, png: bytes) -> None:
        """Keep the picture for the last chapter's report, if it shows a measurement."""
        experiment, _, source = (self.figure.get_gid() or "").partition("|")
        if experiment:
            words = [f"{axes.get_xlabel()}|{axes.get_ylabel()}" for axes in self.figure.axes]
            title = str(self.figure.get_label())
            keeping.figure(experiment, "|".join(words), png, title, self.sentence, source)

    def _repr_html_(self) -> str:
        table = readable(self.table).to_html(index=False, border=0)
        return f"<p>{html.escape(self.sentence)}</p>\n{table}"

    def __str__(self) -> str:
        rows = readable(self.table)
        table = tabulate(rows.to_dict("list"), headers="keys", disable_numparse=True)
        return f"{self.sentence}\n{table}"

    __repr__ = __str__


@contextmanager
def style() -> Iterator[None]:
    """Draw in the course's style, and leave the student's own matplotlib settings alone."""
    with mpl.rc_context(STYLE):
        yield


def styled(draw: Callable[P, Shown]) -> Callable[P, Shown]:
    """Let a function draw in the course's style."""

    @wraps(draw)
    def styled(*args: P.args, **kwargs: P.kwargs) -> Shown:
        with style():
            return draw(*args, **kwargs)

    return styled


def rows_of(table: pd.DataFrame) -> list[dict[Any, Any]]:
    """Return the rows as dictionaries: attribute access would mangle names such as `class`."""
    return table.to_dict("records")


def new_figure(width: float = 7.6, height: float = 4.2, columns: int = 1) -> tuple[Figure, Any]:
    """Return a figure outside pyplot, so that a notebook does not show it a second time."""
    figure = Figure(figsize=(width, height))
    return figure, figure.subplots(1, columns)


def log_axis(axis: Axis) -> None:
    """Make the axis logarithmic, with plain numbers at its ticks, at least two of them."""
    axis.axes.set(**{"xscale" if axis is axis.axes.xaxis else "yscale": "log"})
    low, high = axis.get_view_interval()
    decades = math.log10(high / low)
    locator = LogLocator(subs=(1.0,) if decades > 2 else (1.0, 2.0, 5.0))
    if axis is axis.axes.xaxis and decades > 5:
        locator.set_params(numticks=4)  # numbers side by side: every second or third decade
    axis.set_major_locator(locator)
    axis.set_major_formatter(FuncFormatter(lambda number, _: f"{number:,.12g}"))
    axis.set_minor_formatter(NullFormatter())


def beside_row(axes: Axes, height: float, words: str, colour: str = "black") -> None:
    """Write a row's number right of the axes, where no mark, wherever it lies, can meet it."""
    axes.annotate(
        words,
        (1, height),
        xycoords=("axes fraction", "data"),
        xytext=(8, 0),
        textcoords="offset points",
        va="center",
        color=ink(colour),
    )


def predicted(axes: Axes, guess: float, height: float) -> None:
    """Draw what the student expected of a row, as a bar; the legend names the first one."""
    axes.plot(guess, height, "|", color="black", ms=20, mew=3)
    if "your prediction" not in axes.get_legend_handles_labels()[1]:
        # The legend's bar is shorter, so that it stays within its line.
        axes.plot([], [], "|", color="black", ms=12, mew=3, ls="", label="your prediction")


def legend_below(figure: Figure) -> None:
    """Put the legend below the figure, in as many columns as its words leave room for."""
    labels = [label for axes in figure.axes for label in axes.get_legend_handles_labels()[1]]
    longest = max(len(label) for label in labels)
    room = int(10 * figure.get_figwidth())  # characters
    columns = max(1, min(3, room // (longest + 9)))
    figure.legend(loc="outside lower center", ncols=columns, frameon=False, handlelength=3.5)


def ink(colour: str) -> str:
    """Return the colour for text: the light ones are hard to read on white, so they turn black."""
    return "black" if colour in (COLOURS[4], COLOURS[5]) else colour


def set_title(axes: Axes, message: str, m: Measurement, count: bool = True) -> None:
    """Set the figure's message as its title, with the source of its numbers below."""
    title(axes, message, source_words(m, count)).set_gid(
        f"{m.experiment.id}|{source_words(m, count)}"
    )


def title(axes: Axes, message: str, source: str) -> Figure:
    """Set the message and the words on its source as the figure's title; return the figure."""
    figure = axes.get_figure()
    assert isinstance(figure, Figure)
    lines = textwrap.fill(message, int(10 * figure.get_figwidth()))
    figure.suptitle(lines, x=0.01, ha="left", fontsize=12, fontweight="bold")
    axes.set_title(source, fontsize=11, fontweight="normal", color=GREY)
    figure.set_label(message)
    return figure


def source_words(m: Measurement, count: bool = True) -> str:
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


def by_condition(m: Measurement, value: str) -> pd.DataFrame:
    """Return summarize()'s table with the source of each condition."""
    table = summarize(m.data, value)
    sources = m.data.groupby("condition")["source"].first()
    return table.assign(source=table["condition"].map(sources))


def rung(m: Measurement, name: str) -> str:
    """Return a rung's label: a virtual machine names what runs its instructions."""
    accelerator = m.data.loc[m.data["condition"] == name, "accelerator"].iloc[0]
    return f"{name}: {accelerator}" if isinstance(accelerator, str) and accelerator else name


def spread(count: int, height: float) -> np.ndarray:
    """Return heights a little apart, so that samples of one row do not hide each other."""
    golden = 0.618_033_988_75
    return height + 0.5 * (np.arange(count) * golden % 1 - 0.5)


def short(number: float) -> str:
    """Write a number with three significant digits and no exponent."""
    if not math.isfinite(number):
        return "unknown" if math.isnan(number) else ("∞" if number > 0 else "-∞")
    if number == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(number))))
    return f"{number:,.{digits}f}"


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table as text: numbers short, missing ones as a dash."""

    def cell(value: Any) -> str:
        if isinstance(value, float | np.floating):
            return "–" if math.isnan(value) else short(float(value))
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
