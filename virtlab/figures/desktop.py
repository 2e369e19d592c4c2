"""Figures of the remote desktop: what an update costs, by what happened and how it is written."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.ticker import FuncFormatter, LogLocator

from virtlab.figures.base import Shown, new_figure, set_title, short, styled
from virtlab.registry import Measurement


@styled
def update_map(m: Measurement, value: str, label: str, message: str) -> Shown:
    """Draw a value for every activity and encoding, on a logarithmic scale, with its number.

    Args:
        m: with the columns activity, encoding and the value, which is positive.
        value: the column to show; its medians.
        label: what it is, with its unit.
        message: what the figure says.
    """
    rows, columns = (list(m.data[name].unique()) for name in ("activity", "encoding"))
    medians = m.data.groupby(["activity", "encoding"])[value].median().unstack()
    wide = medians.reindex(index=rows, columns=columns)
    cells = wide.to_numpy(float)
    figure, axes = new_figure(width=max(7.0, 3.2 + len(columns)), height=1.9 + 0.55 * len(rows))
    scale = LogNorm(np.nanmin(cells), max(np.nanmax(cells), 1.01 * np.nanmin(cells)))
    shades = axes.imshow(cells, cmap="cividis", norm=scale, aspect="auto")
    for (high, across), number in np.ndenumerate(cells):
        ink = "black" if scale(number) > 0.5 else "white"
        axes.text(across, high, short(number), ha="center", va="center", color=ink)
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), rows)
    axes.set(xlabel="encoding", ylabel="")
    axes.grid(visible=False)
    bar = figure.colorbar(shades, label=label)
    bar.ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda number, _: f"{number:,.12g}"))
    bar.minorticks_off()
    set_title(axes, message, m)
    sentence = (
        f"{label} (median) lies between {short(np.nanmin(cells))} and {short(np.nanmax(cells))}, "
        "by activity and encoding."
    )
    return Shown(figure, sentence, wide.reset_index())
