"""Figures of emulation: results per second, and the screen of a small machine."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from virtlab.figures.base import (
    COLOURS,
    GREY,
    MARKERS,
    Shown,
    beside_row,
    by_condition,
    log_axis,
    new_figure,
    predicted,
    rows_of,
    set_title,
    short,
    source_words,
    spread,
    styled,
)
from virtlab.registry import Measurement


@styled
def results_per_second(m: Measurement, prediction: Mapping[str, float] | None = None) -> Shown:
    """Draw how many results per second each way to execute a function gives; the fastest on top.

    Args:
        m: of an experiment with the columns condition, results_per_s and how.
        prediction: condition → results per second that the student expected.
    """
    table = by_condition(m, "results_per_s").sort_values("median", ignore_index=True)
    how = m.data.groupby("condition", sort=False)["how"].first()
    kinds = {kind: place for place, kind in enumerate(dict.fromkeys(how))}
    expected = {name: one for name, one in (prediction or {}).items() if one > 0}
    figure, axes = new_figure(width=8.2, height=2.3 + 0.4 * len(table))
    labelled: set[str] = set()
    for height, row in enumerate(rows_of(table)):
        name = row["condition"]
        samples = m.data.loc[m.data["condition"] == name, "results_per_s"].dropna()
        place = kinds[how[name]]
        colour = COLOURS[place % 7]
        axes.plot(samples, spread(len(samples), height), ".", color=colour, alpha=0.3, ms=4)
        axes.plot(
            row["median"],
            height,
            MARKERS[place % 7],
            color=colour,
            mfc=colour if row["source"] == "live" else "white",
            mew=2,
            ms=9,
            zorder=3,
            ls="none",
            label=None if how[name] in labelled else how[name],
        )
        labelled.add(how[name])
        beside_row(axes, height, short(row["median"]), colour)
        if name in expected:
            predicted(axes, expected[name], height)
    log_axis(axes.xaxis)
    axes.set_xlabel("results per second (log axis)")
    axes.set_yticks(range(len(table)), table["condition"])
    axes.set_ylim(-0.6, len(table) - 0.4)
    axes.margins(x=0.05)
    axes.grid(axis="y", visible=False)
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    slowest, fastest = table.iloc[0], table.iloc[-1]
    times = short(fastest["median"] / slowest["median"])
    message = f"{fastest['condition']} gives {times} times the results of {slowest['condition']}"
    set_title(axes, message, m)
    listed = ", ".join(f"{row['condition']} {short(row['median'])}" for row in rows_of(table[::-1]))
    table = table.assign(how=table["condition"].map(how))
    return Shown(figure, f"Median results per second: {listed}.", table)


@styled
def screens(m: Measurement, message: str) -> Shown:
    """Draw the screens of a small machine side by side, a lit pixel dark.

    Args:
        m: of an experiment with the columns condition, line and pixels ("#" is lit).
        message: what the figure says.
    """
    names = list(dict.fromkeys(m.data["condition"]))
    columns = min(2, len(names))
    down = math.ceil(len(names) / columns)
    figure, _ = new_figure(width=8.2, height=1.2 + 2.35 * down)
    figure.clear()
    panels = np.atleast_1d(figure.subplots(down, columns, squeeze=False).ravel())
    rows = []
    for axes, name in zip(panels, names, strict=False):
        lines = m.data[m.data["condition"] == name].sort_values("line")["pixels"]
        picture = np.array([[pixel == "#" for pixel in line] for line in lines])
        axes.imshow(picture, cmap="Greys", vmin=0, vmax=1, interpolation="nearest")
        axes.set_title(name, fontsize=11, fontweight="bold")
        axes.set_xticks([])
        axes.set_yticks([])
        axes.grid(visible=False)
        for side in axes.spines.values():
            side.set_visible(True)
        lit = np.argwhere(picture)
        box = "–"
        if len(lit):
            (top, left), (bottom, right) = lit.min(axis=0), lit.max(axis=0)
            box = f"columns {left} to {right}, rows {top} to {bottom}"
        rows.append((name, int(picture.sum()), box))
    for axes in panels[len(names) :]:
        axes.set_visible(False)
    figure.suptitle(message, x=0.01, ha="left", fontsize=12, fontweight="bold")
    figure.supxlabel(source_words(m, count=False), x=0.01, ha="left", fontsize=11, color=GREY)
    figure.set_label(message)
    table = pd.DataFrame(rows, columns=["screen", "lit pixels", "between"])
    counted = ", ".join(f"{name} {count}" for name, count, _ in rows)
    return Shown(figure, f"{message} ({m.source}). Lit pixels: {counted}.", table)
