"""Figures of the last chapter: all verdicts, guesses against results, and all effects."""

from __future__ import annotations

import math
import textwrap

import pandas as pd
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import LogLocator

from virtlab.figures.base import (
    COLOURS,
    GREY,
    Shown,
    log_axis,
    new_figure,
    rows_of,
    short,
    styled,
    title,
)

# Letter, face and ink of each verdict: the letter says the same as the colour.
VERDICTS = {
    "holds": ("H", COLOURS[0], "white"),
    "holds with conditions": ("C", COLOURS[5], "black"),
    "does not hold here": ("N", COLOURS[1], "black"),
    "not measured here": ("M", "#BBBBBB", "black"),
    "cited": ("L", "#F2E6C4", "black"),
    "not run yet": ("·", "white", GREY),
}
WIDEST = 1e4  # a guess that is farther off is drawn at the edge


@styled
def verdict_map(claims: pd.DataFrame, message: str = "") -> Shown:
    """Draw a tile for each claim, a row for each chapter.

    Args:
        claims: columns id, chapter (two digits), verdict, and own (the student's own machine gave
            all the evidence).
        message: what the figure says; how many claims have a verdict if empty.
    """
    chapters = sorted(claims["chapter"].unique())
    widest = int(claims.groupby("chapter").size().max())
    figure, axes = new_figure(
        width=max(6.4, 1.6 + 0.62 * widest), height=1.9 + 0.36 * len(chapters)
    )
    for height, chapter in enumerate(chapters):
        for across, row in enumerate(rows_of(claims[claims["chapter"] == chapter])):
            letter, face, text = VERDICTS[row["verdict"]]
            elsewhere = not row["own"] and row["verdict"] not in ("cited", "not run yet")
            tile = Rectangle(
                (across + 0.04, height + 0.06), 0.92, 0.88, facecolor=face, edgecolor=GREY, lw=0.8
            )
            axes.add_patch(tile)
            words = f"{row['id'][1:]} {letter}{'*' if elsewhere else ''}"
            axes.text(
                across + 0.5, height + 0.52, words, ha="center", va="center", fontsize=9, color=text
            )
    axes.set_xlim(0, widest)
    axes.set_ylim(len(chapters), 0)
    axes.set_xticks([])
    axes.set_yticks([one + 0.5 for one in range(len(chapters))], chapters)
    axes.tick_params(length=0)
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_ylabel("chapter")
    counts = claims["verdict"].value_counts()
    judged = len(claims) - int(counts.get("not run yet", 0))
    told = f"{judged} of {len(claims)} claims have a verdict"
    title(axes, message or told, "* not (only) this machine's own measurement")
    keys = [
        Patch(facecolor=face, edgecolor=GREY, label=f"{letter} {name}")
        for name, (letter, face, _) in VERDICTS.items()
    ]
    figure.legend(handles=keys, loc="outside lower center", ncols=3, frameon=False, fontsize=10)
    listed = ", ".join(f"{counts[name]} {name}" for name in VERDICTS if name in counts)
    table = pd.crosstab(claims["chapter"], claims["verdict"]).reset_index()
    order = ["chapter", *(name for name in VERDICTS if name in table)]
    return Shown(figure, f"{told}: {listed}.", table[order])


@styled
def calibration(parts: pd.DataFrame, message: str = "") -> Shown:
    """Draw each guessed size as a multiple of the measured one, a row for each chapter.

    Args:
        parts: one row for each part of a prediction: chapter, name, guess, measured, grade, and
            times (guess / measured; NaN where it is no size).
        message: what the figure says; how many came near if empty.
    """
    sizes = parts.dropna(subset=["times"])
    sizes = sizes[(sizes["times"] > 0) | (sizes["grade"] == "far")]  # none, where there was much
    chapters = sorted(parts["chapter"].unique())
    figure, axes = new_figure(height=1.8 + 0.32 * max(3, len(chapters)))
    axes.axvspan(0.5, 2, color="#DCEBF5", zorder=0)
    axes.axvline(1, color=GREY, ls="--", lw=1)
    styles = {"right": ("o", COLOURS[0]), "near": ("s", COLOURS[5]), "far": ("D", COLOURS[1])}
    for height, chapter in enumerate(chapters):
        own = sizes[sizes["chapter"] == chapter]
        for number, row in enumerate(rows_of(own)):
            marker, colour = styles[row["grade"]]
            place = min(max(row["times"], 1 / WIDEST), WIDEST)
            lift = height + 0.5 * ((number * 0.618_033_988_75) % 1 - 0.5)
            axes.plot(place, lift, marker, color=colour, mec="black", mew=0.5, ms=7)
        graded = parts[parts["chapter"] == chapter]["grade"]
        words = f"{(graded == 'right').sum()} of {len(graded)} right"
        axes.annotate(
            words,
            (1.01, height),
            xycoords=("axes fraction", "data"),
            va="center",
            annotation_clip=False,
        )
    axes.set_xlim(0.5 / WIDEST, 2 * WIDEST)
    log_axis(axes.xaxis)
    axes.set_ylim(max(0.6, len(chapters) - 0.4), -0.6)
    axes.set_yticks(range(len(chapters)), chapters)
    axes.set_ylabel("chapter")
    axes.set_xlabel("guess, times what was measured (log axis; band: within a factor of two)")
    near = int(sizes["times"].between(0.5, 2).sum())
    told = f"{near} of {len(sizes)} guessed sizes came within a factor of two"
    told_more = "each mark is one guessed size; in the right margin: guesses of all kinds"
    title(axes, message or told, told_more)
    keys = [
        Line2D([], [], marker=marker, color=colour, mec="black", ls="", label=name)
        for name, (marker, colour) in styles.items()
    ]
    figure.legend(handles=keys, loc="outside lower center", ncols=3, frameon=False)
    table = pd.crosstab(parts["chapter"], parts["grade"]).reset_index()
    order = ["chapter", *(name for name in styles if name in table)]
    total = parts["grade"].value_counts()
    listed = ", ".join(f"{total.get(name, 0)} {name}" for name in styles)
    return Shown(figure, f"{told}. Of {len(parts)} guesses of all kinds: {listed}.", table[order])


@styled
def effects(table: pd.DataFrame, message: str = "") -> Shown:
    """Draw ratios with their intervals on one log axis.

    Args:
        table: columns what, low, estimate, high, source.
        message: what the figure says; how many intervals leave 1 out if empty.
    """
    names = [_folded(str(what)) for what in table["what"]]
    row_height = 0.34 if any("\n" in name for name in names) else 0.27
    figure, axes = new_figure(width=9, height=1.5 + row_height * max(3, len(table)))
    axes.axvline(1, color=GREY, ls="--", lw=1)
    decided = 0
    for height, row in enumerate(rows_of(table)):
        apart = row["low"] > 1 or row["high"] < 1
        decided += apart
        colour = COLOURS[0] if apart else COLOURS[1]
        ends = [row[name] for name in ("low", "high") if math.isfinite(row[name])]
        axes.plot(
            [min([*ends, row["estimate"]]), max([*ends, row["estimate"]])],
            [height] * 2,
            color=colour,
        )
        fill = "white" if row["source"] in ("recorded", "mixed") else colour
        axes.plot(row["estimate"], height, "o" if apart else "s", color=colour, mfc=fill, mew=2)
    axes.set_yticks(range(len(table)), names, fontsize=9)
    axes.set_ylim(max(0.6, len(table) - 0.4), -0.6)
    log_axis(axes.xaxis)
    left, right = axes.get_xlim()
    if right < 10 * left:  # too narrow for ticks at 1, 2 and 5 alone
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 1.2, 1.5, 2.0, 3.0, 5.0, 7.0, 8.5)))
    axes.grid(axis="y", visible=False)
    axes.set_xlabel("ratio, with the interval that holds it at 95 % (log axis)")
    told = f"{decided} of {len(table)} intervals leave 1 out"
    title(axes, message or told, "squares: 1 is inside; hollow: from a recording")
    shown = table[["what", "low", "estimate", "high", "source"]]
    listed = "; ".join(f"{row['what']}: {short(row['estimate'])}" for row in rows_of(table[:3]))
    return Shown(figure, f"{told}. The first: {listed}.", shown)


def _folded(words: str, most: int = 58) -> str:
    """On two lines if they are too many for one, and cut if they are too many for two."""
    return textwrap.fill(words, most, max_lines=2, placeholder=" …")
