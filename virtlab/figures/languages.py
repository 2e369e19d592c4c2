"""Figures of language runtimes: how they warm up."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from virtlab.figures.base import (
    COLOURS,
    Shown,
    log_axis,
    new_figure,
    set_title,
    short,
    source_words,
    styled,
)
from virtlab.models import warmup
from virtlab.registry import Measurement

KINDS = ("flat", "warm-up", "slowdown", "never")


@styled
def warm_up(m: Measurement, message: str) -> Shown:
    """Draw how long each repetition took, a panel for each condition, a line for each process.

    Args:
        m: of an experiment with the columns condition and series_us (the times of one process, as
            text with blanks between).
        message: what the figure says.
    """
    names = list(dict.fromkeys(m.data["condition"]))
    figure, _ = new_figure(width=9, height=1.2 + 2.3 * ((len(names) + 2) // 3))
    figure.clear()
    panels = figure.subplots((len(names) + 2) // 3, 3, sharex=True, sharey=True, squeeze=False)
    rows, titles = [], []
    for place, (axes, name) in enumerate(zip(panels.ravel(), names, strict=False)):
        lines = m.data.loc[m.data["condition"] == name, "series_us"]
        processes = [[float(word) for word in line.split()] for line in lines]
        verdicts = [warmup.classify(times) for times in processes]
        counts = {kind: sum(one.kind == kind for one in verdicts) for kind in KINDS}
        for times in processes:
            axes.plot(range(1, len(times) + 1), times, color=COLOURS[place % 7], lw=0.8, alpha=0.6)
        steady = [one for one in verdicts if one.steady_from is not None]
        begin = float(np.median([one.steady_from for one in steady])) if steady else np.nan
        level = float(np.median([one.steady for one in steady])) if steady else np.nan
        if steady:
            axes.axvline(begin + 1, color="black", ls="--", lw=1)
        told = ", ".join(f"{counts[kind]} {kind}" for kind in KINDS if counts[kind])
        titles.append(f"{name}\n{told}")
        axes.set_title(titles[-1], fontsize=11, fontweight="normal")
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        first = float(np.median([times[0] for times in processes]))
        rows.append((name, len(processes), *counts.values(), begin, first, level))
    for axes in panels.ravel()[len(names) :]:
        axes.set_visible(False)
    log_axis(panels[0][0].yaxis)
    figure.supylabel("µs (log axis)", fontsize=11)
    set_title(panels[0][0], message, m, count=False)
    panels[0][0].set_title(titles[0], fontsize=11, color="black", fontweight="normal")
    words = (
        "repetition (dashed: where the steady state begins, median)\n"
        f"{source_words(m, count=False)}"
    )
    figure.supxlabel(words, fontsize=11)
    columns = ["runtime", "processes", *KINDS, "steady from", "first us", "steady us"]
    table = pd.DataFrame(rows, columns=columns)
    listed = "; ".join(
        f"{row['runtime']} from {short(row['first us'])} to {short(row['steady us'])}"
        for row in table.to_dict("records")
    )
    return Shown(
        figure, f"Median µs of the first repetition and of the steady state: {listed}.", table
    )
