"""Figures of how a guest reaches its devices: by registers that pretend, or by asking."""

from __future__ import annotations

from collections.abc import Mapping

from virtlab.figures.base import (
    COLOURS,
    Shown,
    beside_row,
    log_axis,
    new_figure,
    predicted,
    rows_of,
    set_title,
    short,
    styled,
)
from virtlab.registry import Measurement


@styled
def registers(m: Measurement, prediction: Mapping[str, float] | None = None) -> Shown:
    """Draw how often a guest touches a disk's registers for each request, small and large ones.

    Args:
        m: with the columns condition (the disk), size (of a request) and registers (accesses).
        prediction: disk → accesses for a request of the first size that the student expected.
    """
    wide = m.data.pivot(index="condition", columns="size", values="registers")
    wide = wide.loc[m.data["condition"].unique()[::-1]]
    sizes = list(m.data["size"].unique())
    figure, axes = new_figure(height=1.9 + 0.55 * len(wide))
    for place, size in enumerate(sizes):
        axes.plot(
            wide[size],
            range(len(wide)),
            "os"[place % 2],
            color=COLOURS[place],
            mfc="white" if place else COLOURS[0],
            mew=2,
            ms=9 + 3 * place,
            ls="",
            zorder=3 - place,
            label=f"request of {size}",
        )
    for height, name in enumerate(wide.index):
        low, high = wide.loc[name].min(), wide.loc[name].max()
        axes.plot([low, high], [height, height], "-", color="#BBBBBB", lw=1, zorder=1)
        words = short(low) if low == high else f"{short(low)} and {short(high)}"
        expected = (prediction or {}).get(name, 0)
        beside_row(axes, height, words)
        if expected > 0:
            predicted(axes, expected, height)
    axes.set_yticks(range(len(wide)), wide.index)
    axes.set_ylim(-0.6, len(wide) - 0.4)
    axes.grid(axis="y", visible=False)
    log_axis(axes.xaxis)
    axes.margins(x=0.06)
    axes.set_xlabel("accesses to the disk's registers for each request (log axis)")
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    least, most = wide[sizes[0]].idxmin(), wide[sizes[0]].idxmax()
    times = short(wide.loc[most, sizes[0]] / wide.loc[least, sizes[0]])
    set_title(axes, f"{most} needs {times} times the accesses of {least}", m, count=False)
    table = m.data[["condition", "pretends", "size", "registers", "kicks", "source"]]
    listed = "; ".join(
        f"{row['condition']}, {row['size']}: {short(row['registers'])}" for row in rows_of(table)
    )
    return Shown(figure, f"Accesses to registers for each request: {listed}.", table)
