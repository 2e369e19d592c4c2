"""Figures of many servers as one: how much faster they are, and who is refused."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

from virtlab.figures.base import (
    COLOURS,
    GREY,
    HATCHES,
    LINES,
    MARKERS,
    Shown,
    ink,
    new_figure,
    rows_of,
    set_title,
    short,
    styled,
)
from virtlab.registry import Measurement


@styled
def pool_speedup(m: Measurement, prediction: Mapping[str, float] | None = None) -> Shown:
    """Draw how many times faster more servers do a job, a line for each kind of job.

    Args:
        m: of an experiment with the columns condition (the kind), servers, speedup and cores.
        prediction: kind → the speed-up with the most servers that the student expected.
    """
    table = m.data.groupby(["condition", "servers"], as_index=False, sort=False).agg(
        n=("speedup", "size"),
        speedup=("speedup", "median"),
        source=("source", "first"),
    )
    most = int(table["servers"].max())
    cores = int(m.data["cores"].iloc[0])
    figure, axes = new_figure(width=8.2, height=4.6)
    axes.plot([1, most], [1, most], color=GREY, ls="--", lw=1)
    axes.annotate(
        "ideal",
        (0.62 * most, 0.62 * most),
        xytext=(-6, 6),
        textcoords="offset points",
        ha="right",
        color=GREY,
    )
    axes.axhline(1, color=GREY, lw=1)
    last = table[table["servers"] == most]
    ends = {str(row["condition"]): float(row["speedup"]) for row in rows_of(last)}
    highest = max(ends.values())
    heights = _apart(ends, 0.085 * max(most, highest))
    expected = {name: one for name, one in (prediction or {}).items() if name in ends}
    for place, name in enumerate(ends):
        group = table[table["condition"] == name].sort_values("servers")
        colour = COLOURS[place % 7]
        filling = colour if (group["source"] != "recorded").all() else "white"
        axes.plot(
            group["servers"],
            group["speedup"],
            ls=LINES[place % 7],
            marker=MARKERS[place % 7],
            color=colour,
            mfc=filling,
        )
        axes.annotate(
            f"{name}: {short(ends[name])}",
            (most, heights[name]),
            xytext=(14 + 10 * len(expected), 0),
            textcoords="offset points",
            va="center",
            color=ink(colour),
            annotation_clip=False,
        )
        if name in expected:
            label = None if axes.get_legend_handles_labels()[1] else "your prediction"
            axes.plot(  # side by side, so that equal ones do not cover each other
                most * (1.02 + 0.025 * list(expected).index(name)),
                expected[name],
                "_",
                color=colour,
                ms=8,
                mew=3,
                label=label,
                clip_on=False,
            )
    axes.set_xticks(sorted(table["servers"].unique()))
    axes.set(
        xlabel="servers that share the job",
        ylabel="times as fast as the job whole on one",
        xlim=(0.9, most * 1.62),
        ylim=(0, max(most, highest, *expected.values()) * 1.05),
    )
    if expected:
        axes.legend(loc="upper left", frameon=False)
    best, worst = max(ends, key=ends.__getitem__), min(ends, key=ends.__getitem__)
    message = (
        f"{most} servers: {short(ends[best])} × ({best}), but {short(ends[worst])} × ({worst})"
    )
    set_title(axes, message, m, count=False)
    listed = ", ".join(f"{name} {short(value)}" for name, value in ends.items())
    sentence = (
        f"Median speed-up with {most} servers (processes on a machine with {cores} "
        f"core{'s' if cores > 1 else ''}): {listed}."
    )
    wide = table.pivot(index="condition", columns="servers", values="speedup").loc[list(ends)]
    counts = [int(str(count)) for count in wide.columns]
    wide.columns = [f"{count} servers" if count > 1 else "1 server" for count in counts]
    first = table.groupby("condition", sort=False)[["n", "source"]].first()
    return Shown(figure, sentence, wide.join(first).reset_index())


def _apart(ends: Mapping[str, float], least: float) -> dict[str, float]:
    """Return for each label a height near its value, and no two nearer than `least`."""
    heights: dict[str, float] = {}
    below = -least
    for name, value in sorted(ends.items(), key=lambda end: end[1]):
        below = max(value, below + least)
        heights[name] = below
    return heights


@styled
def refusals(m: Measurement) -> Shown:
    """Draw who is refused how often, a group of bars for each way to share the hosts.

    Args:
        m: of an experiment with the columns condition (the way), who, refused_percent and
            utilization_percent.
    """
    table = m.data.groupby(["condition", "who"], as_index=False, sort=False).agg(
        n=("refused_percent", "size"),
        refused_percent=("refused_percent", "mean"),
        utilization_percent=("utilization_percent", "mean"),
    )
    ways, groups = list(table["condition"].unique()), list(table["who"].unique())
    figure, axes = new_figure(width=8.2, height=1.8 + 0.8 * len(ways))
    height = 0.8 / len(groups)
    for row in rows_of(table):
        group = groups.index(row["who"])
        at = len(ways) - 1 - ways.index(row["condition"]) + 0.4 - height * (group + 0.5)
        axes.barh(
            at,
            row["refused_percent"],
            height=0.9 * height,
            color=COLOURS[group % 7],
            hatch=HATCHES[group % 7],
            edgecolor="white",
        )
        axes.annotate(
            f"{row['who']}: {row['refused_percent']:.0f} %",
            (row["refused_percent"], at),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
        )
    used = table.groupby("condition", sort=False)["utilization_percent"].mean()
    axes.set_yticks(
        range(len(ways)),
        [f"{textwrap.fill(way, 18)}\n({used[way]:.0f} % used)" for way in reversed(ways)],
    )
    axes.set_xlabel("refused, % of the requests")
    axes.margins(x=0.2)
    axes.grid(axis="y", visible=False)
    last = table[table["who"] == groups[-1]].sort_values("refused_percent")
    spared, hit = (
        f"{row['refused_percent']:.0f} % ({row['condition']})"
        for row in rows_of(last.iloc[[0, -1]])
    )
    message = f"{groups[-1]} tenants are refused: {spared} to {hit}"
    set_title(axes, message[0].upper() + message[1:], m, count=False)
    listed = "; ".join(
        f"{way}: "
        + ", ".join(
            f"{row['who']} {row['refused_percent']:.0f} %"
            for row in rows_of(table[table["condition"] == way])
        )
        for way in ways
    )
    return Shown(figure, f"Refused, in percent of the requests. {listed}.", table)
