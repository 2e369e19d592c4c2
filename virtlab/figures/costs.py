"""Figures of what virtualization costs."""

from __future__ import annotations

import math
import textwrap

import pandas as pd
from matplotlib.patches import Rectangle

from virtlab.figures.base import (
    COLOURS,
    GREY,
    MARKERS,
    Shown,
    legend_below,
    log_axis,
    new_figure,
    rows_of,
    set_title,
    short,
    styled,
)
from virtlab.registry import Measurement


@styled
def tolls(m: Measurement, ratios: pd.DataFrame, message: str = "") -> Shown:
    """Draw how many times the native time each kind of work takes, a mark for each wall.

    Args:
        m: the measurement that the ratios are from.
        ratios: columns kind, wall, times, low, high, source; NaN where nothing was measured.
        message: what the figure says; the largest toll if empty.
    """
    kinds, walls = list(ratios["kind"].unique()), list(ratios["wall"].unique())
    figure, axes = new_figure(width=8.2, height=2.2 + 0.62 * len(kinds))
    axes.axvline(1, color=GREY, ls="--", lw=1)
    for place, wall in enumerate(walls):
        colour, marker = COLOURS[place], MARKERS[place]
        seen = ratios[ratios["wall"].eq(wall) & ratios["times"].notna()]
        hollow = seen["source"].ne("live").any() and m.source == "mixed"
        heights = [
            kinds.index(kind) + 0.24 * (place - (len(walls) - 1) / 2) for kind in seen["kind"]
        ]
        for row, height in zip(rows_of(seen), heights, strict=True):
            if math.isfinite(row["low"]) and math.isfinite(row["high"]):
                axes.plot([row["low"], row["high"]], [height] * 2, "-", color=colour)
            right = row["high"] if math.isfinite(row["high"]) else row["times"]
            axes.annotate(
                f"{short(row['times'])}×",
                (right, height),
                xytext=(8, 0),
                textcoords="offset points",
                va="center",
            )
        face = "white" if hollow else colour
        axes.plot(seen["times"], heights, marker, color=colour, mfc=face, mew=2, ms=8, label=wall)
    axes.set_yticks(range(len(kinds)), kinds)
    axes.set_ylim(len(kinds) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)
    axes.margins(x=0.14)
    log_axis(axes.xaxis)
    axes.set_xlabel("times the native time (log axis); bars: 95 % intervals")
    legend_below(figure)
    worst = ratios.sort_values("times", na_position="first").iloc[-1]
    told = f"The dearest: {worst['kind']} behind {worst['wall']}, {short(worst['times'])} times"
    set_title(axes, message or told, m)
    by_wall = [
        f"{wall}: "
        + ", ".join(
            f"{row['kind']} {short(row['times'])}"
            for row in rows_of(ratios[ratios["wall"].eq(wall) & ratios["times"].notna()])
        )
        for wall in walls
    ]
    sentence = f"Median times as multiples of the native ones. {'; '.join(by_wall)}."
    return Shown(figure, sentence, ratios)


@styled
def bill(m: Measurement, rows: str = "fleet", value: str = "coins", message: str = "") -> Shown:
    """Draw a price for every pair of a row and a condition; in each row the cheapest stands out.

    Args:
        m: the measurement; its conditions are the columns.
        rows: the column whose values are the rows.
        value: the column with the price.
        message: what the figure says; how many conditions are cheapest somewhere if empty.
    """
    names, columns = list(m.data[rows].unique()), list(m.data["condition"].unique())
    wide = m.data.pivot_table(index=rows, columns="condition", values=value)
    wide = wide.reindex(index=names, columns=columns)
    least, most = wide.idxmin(axis=1), wide.idxmax(axis=1)
    figure, axes = new_figure(width=2.2 + 1.35 * len(columns), height=1.7 + 0.62 * len(names))
    for height, name in enumerate(names):
        for across, column in enumerate(columns):
            cheap, dear = least[name] == column, most[name] == column
            face = "#BFE5D6" if cheap else "#F6D3BE" if dear else "#F2F2F2"
            axes.add_patch(
                Rectangle((across, height), 1, 1, facecolor=face, edgecolor="white", lw=3)
            )
            words = f"{wide.loc[name, column]:,.0f}" + (" ★" if cheap else "")
            axes.text(
                across + 0.5,
                height + 0.5,
                words,
                ha="center",
                va="center",
                fontweight="bold" if cheap else "normal",
            )
    axes.set(xlim=(0, len(columns)), ylim=(len(names), 0))
    labels = [textwrap.fill(str(column), 12) for column in columns]
    axes.set_xticks([place + 0.5 for place in range(len(columns))], labels)
    axes.set_yticks([place + 0.5 for place in range(len(names))], names)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    winners = list(dict.fromkeys(least))
    told = f"{len(winners)} of {len(columns)} rules are cheapest somewhere"
    set_title(axes, message or told, m, count=False)
    each = "; ".join(
        f"{name}: {least[name]} is cheapest (★), {most[name]} dearest" for name in names
    )
    return Shown(figure, f"{value.capitalize()}. {each}.", wide.reset_index())
