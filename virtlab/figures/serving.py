"""Figures of servers under load: outages, stalls, and replicas that come too late."""

from __future__ import annotations

import pandas as pd

from virtlab.figures.base import (
    COLOURS,
    GREY,
    LINES,
    Shown,
    legend_below,
    log_axis,
    new_figure,
    rows_of,
    set_title,
    short,
    spread,
    styled,
)
from virtlab.measure.statistics import p99
from virtlab.registry import Measurement


@styled
def outages(m: Measurement, kill_s: float, restart_s: float) -> Shown:
    """Draw what became of every request, a row for each condition, while an instance is dead.

    Args:
        m: of an experiment with the columns condition, at_s, failed and latency_ms.
        kill_s: when the instance was killed.
        restart_s: when it was started again.
    """
    groups = m.data.groupby("condition", sort=False)
    table = groups.agg(
        requests=("failed", "size"), failed=("failed", "sum"), source=("source", "first")
    ).reset_index()
    table["failed, %"] = 100 * table["failed"] / table["requests"]
    figure, axes = new_figure(width=8.5, height=1.9 + 0.5 * len(table))
    axes.axvspan(kill_s, restart_s, color="#EEEEEE", zorder=0)
    for height, row in enumerate(rows_of(table)):
        own = m.data[m.data["condition"] == row["condition"]].reset_index(drop=True)
        heights = spread(len(own), height)
        good = own["failed"] == 0
        for chosen, marker, colour, label in (
            (good.to_numpy(bool), ".", COLOURS[0], "answered"),
            (~good.to_numpy(bool), "x", COLOURS[1], "failed"),
        ):
            axes.plot(
                own["at_s"].to_numpy(float)[chosen],
                heights[chosen],
                marker,
                color=colour,
                ms=6 if marker == "x" else 5,
                alpha=0.9 if marker == "x" else 0.5,
                label=label if height == 0 else None,
            )
        axes.annotate(
            f"{row['failed, %']:.1f} % failed",
            (m.data["at_s"].max(), height),
            xytext=(9, 0),
            textcoords="offset points",
            va="center",
        )
    axes.set_yticks(range(len(table)), table["condition"])
    axes.set_ylim(len(table) - 0.4, -0.6)
    axes.set_xlim(-0.01, m.data["at_s"].max() * 1.2)
    axes.set_xlabel("seconds; grey: from the kill to the restart")
    axes.grid(axis="y", visible=False)
    legend_below(figure)
    ordered = rows_of(table.sort_values("failed, %"))
    best, worst = ordered[0], ordered[-1]
    message = (
        f"Failed requests: from {worst['failed, %']:.0f} % ({worst['condition']}) "
        f"to {best['failed, %']:.1f} % ({best['condition']})"
    )
    set_title(axes, message, m, count=False)
    listed = ", ".join(f"{row['condition']} {short(row['failed, %'])}" for row in rows_of(table))
    return Shown(figure, f"Percent of the requests that failed: {listed}.", table)


@styled
def stall(m: Measurement, message: str) -> Shown:
    """Draw the latency of every request against its moment, a panel for each condition.

    Args:
        m: of an experiment with the columns condition, round, at_ms and latency_ms; only the first
            round is drawn, the table is of all.
        message: what the figure says.
    """
    conditions = list(m.data["condition"].unique())
    figure, panels = new_figure(width=8.5, height=3.8, columns=len(conditions))
    first_round = m.data["round"].min()
    rows = []
    for place, (axes, name) in enumerate(zip(panels, conditions, strict=True)):
        own = m.data[m.data["condition"] == name]
        drawn = own[own["round"] == first_round]
        axes.plot(drawn["at_ms"], drawn["latency_ms"], ".", color=COLOURS[place], ms=5)
        log_axis(axes.yaxis)
        axes.set_ylim(m.data["latency_ms"].min() / 1.5, m.data["latency_ms"].max() * 3)
        axes.set_xlabel("ms from the start")
        axes.text(0.02, 0.97, name, transform=axes.transAxes, va="top", fontweight="bold")
        long = int((drawn["latency_ms"] > drawn["latency_ms"].max() / 10).sum())
        of_all = own["latency_ms"]
        rows.append((name, len(own), of_all.median(), p99(of_all), of_all.max(), long))
    panels[0].set_ylabel("latency, ms (log axis)")
    set_title(panels[0], message, m, count=False)
    names = ["condition", "n", "median ms", "p99 ms", "longest ms", "slow ones drawn"]
    table = pd.DataFrame(rows, columns=names)
    listed = "; ".join(
        f"{row['condition']}: p99 {short(row['p99 ms'])} ms, {row['slow ones drawn']} slow requests"
        for row in rows_of(table)
    )
    return Shown(figure, f"The same stall, measured twice. {listed}.", table)


@styled
def followed(m: Measurement, message: str) -> Shown:
    """Draw how replicas follow a load, one line for each technology, and what was not served.

    Args:
        m: with the columns condition, ms, wanted, ready, load and unserved.
        message: what the figure says.
    """
    groups = m.data.groupby("condition", sort=False)
    table = groups.agg(
        requests=("load", "sum"), unserved=("unserved", "sum"), source=("source", "first")
    ).reset_index()
    table["unserved, %"] = 100 * table["unserved"] / table["requests"]
    figure, axes = new_figure(width=8.5, height=4.6)
    first = m.data[m.data["condition"] == table["condition"].iloc[0]]
    axes.fill_between(
        first["ms"], first["wanted"], step="post", color="#E4E4E4", label="wanted", zorder=0
    )
    for place, row in enumerate(rows_of(table)):
        own = groups.get_group(row["condition"])
        axes.step(
            own["ms"],
            own["ready"] - 0.04 * place,  # a little apart, else they hide each other
            where="post",
            color=COLOURS[place % 7],
            ls=LINES[place % 7],
            label=f"{row['condition']}: {row['unserved, %']:.1f} % unserved",
        )
    axes.set(xlabel="milliseconds", ylabel="replicas that serve")
    axes.set_ylim(bottom=0, top=first["wanted"].max() + 0.6)
    axes.grid(color=GREY, alpha=0.15)
    legend_below(figure)
    set_title(axes, message, m, count=False)
    listed = ", ".join(f"{row['condition']} {short(row['unserved, %'])}" for row in rows_of(table))
    return Shown(figure, f"Percent of the requests that found no replica: {listed}.", table)
