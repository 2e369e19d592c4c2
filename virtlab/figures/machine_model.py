"""Figures of the machine reference model: what lies behind a library call, and many machines."""

from __future__ import annotations

from dataclasses import replace

from virtlab.figures.base import (
    COLOURS,
    HATCHES,
    Shown,
    new_figure,
    rows_of,
    set_title,
    short,
    styled,
)
from virtlab.figures.general import lines
from virtlab.registry import Measurement

_BEHIND = {"none": "none", "one": "exactly one", "many": "two or more"}


@styled
def calls_behind(m: Measurement) -> Shown:
    """Draw for each library function which share of its calls had none, one, many system calls.

    Args:
        m: with the columns condition (the function), calls, none, one, many and names.
    """
    table = m.data[["condition", "calls", *_BEHIND, "names", "source"]].iloc[::-1]
    figure, axes = new_figure(width=8.5, height=1.9 + 0.4 * len(table))
    for height, row in enumerate(rows_of(table)):
        left = 0.0
        for place, column in enumerate(_BEHIND):
            share = 100 * row[column] / row["calls"]
            if share:
                axes.barh(
                    height,
                    share,
                    left=left,
                    height=0.65,
                    color=COLOURS[(2, 4, 1)[place]],
                    hatch=HATCHES[place],
                    edgecolor="white",
                )
            left += share
        rare = row["calls"] - max(row[column] for column in _BEHIND)
        if rare:
            words = f"{rare} of {row['calls']:,} differ"
            axes.annotate(words, (101, height), va="center", annotation_clip=False)
    for place, label in enumerate(_BEHIND.values()):
        axes.barh(0, 0, color=COLOURS[(2, 4, 1)[place]], hatch=HATCHES[place], label=label)
    axes.set_yticks(range(len(table)), table["condition"])
    axes.set_xlim(0, 132)
    axes.set_xticks(range(0, 101, 20))
    axes.set_xlabel("% of its calls, by the system calls behind each")
    axes.grid(axis="y", visible=False)
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    free = int((table["none"] > table["calls"] / 2).sum())
    message = f"{free} of {len(table)} functions mostly ask the kernel nothing"
    set_title(axes, message, m, count=False)
    listed = "; ".join(
        f"{row['condition']}: {row['none']} none, {row['one']} one, {row['many']} more"
        for row in rows_of(table.iloc[::-1])
    )
    sentence = f"Calls by the number of system calls behind them: {listed}."
    return Shown(figure, sentence, table.iloc[::-1].reset_index(drop=True))


def crowd(m: Measurement) -> Shown:
    """Draw how much all copies of a machine do together, over their number.

    Args:
        m: with the columns kind, instances and million_turns_per_s.
    """
    kinds = replace(m, data=m.data.assign(condition=m.data["kind"]))
    most = m.data["instances"].max()
    ends = m.data.groupby(["kind", "instances"])["million_turns_per_s"].median().unstack()
    times = (ends[most] / ends[ends.columns.min()]).max()
    message = f"{most} machines at once do at most {short(times)} times as much as one"
    words = ("machines at once", "million turns a second, all together")
    return lines(kinds, "instances", "million_turns_per_s", *words, message)
