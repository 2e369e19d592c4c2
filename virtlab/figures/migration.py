"""Figures of machines that move while they run."""

from __future__ import annotations

import pandas as pd

from virtlab.figures.base import (
    COLOURS,
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
def moves(m: Measurement, table: pd.DataFrame, message: str = "") -> Shown:
    """Draw total time and downtime of migrations, measured and as a model says.

    Args:
        m: the measurement; its source is told.
        table: a row for each condition, with total_ms, downtime_ms, and both with `model_` in
            front.
        message: what the figure says; the longest downtime if empty.
    """
    shown = table.iloc[::-1].reset_index(drop=True)
    figure, panels = new_figure(width=9.0, height=1.9 + 0.42 * len(shown), columns=2)
    words = {"total_ms": "ms for the whole move", "downtime_ms": "ms of downtime"}
    for axes, (column, label) in zip(panels, words.items(), strict=True):
        for height, row in enumerate(rows_of(shown)):
            filling = "white" if row["source"] == "recorded" else COLOURS[0]
            measured, model = max(row[column], 0.01), max(row[f"model_{column}"], 0.01)
            named = height == 0 and column == "total_ms"
            axes.plot(
                measured,
                height,
                "o",
                color=COLOURS[0],
                mfc=filling,
                mew=2,
                ms=9,
                label="measured" if named else None,
            )
            axes.plot(
                model,
                height,
                "|",
                color="black",
                ms=20,
                mew=3,
                label="model of pre-copy" if named else None,
            )
            axes.annotate(
                short(row[column]),
                (max(measured, model), height),
                xytext=(9, 0),
                textcoords="offset points",
                va="center",
            )
        axes.set_xlabel(f"{label} (log axis)")
        axes.set_ylim(-0.6, len(shown) - 0.4)
        axes.grid(axis="y", visible=False)
        axes.margins(x=0.25)
        log_axis(axes.xaxis)
    panels[0].set_yticks(range(len(shown)), shown["condition"])
    panels[1].set_yticks(range(len(shown)), [])
    legend_below(figure)
    worst = table.sort_values("downtime_ms").iloc[-1]
    told = f"“{worst['condition']}” stands still longest: {short(worst['downtime_ms'])} ms"
    set_title(panels[0], message or told, m, count=False)
    listed = "; ".join(
        f"{row['condition']}: {short(row['total_ms'])} ms in all ({short(row['model_total_ms'])} "
        f"by the model), {short(row['downtime_ms'])} ms down ({short(row['model_downtime_ms'])})"
        for row in rows_of(table)
    )
    return Shown(figure, f"Migrations, measured and by the model. {listed}.", table)


@styled
def tick_rate(m: Measurement, message: str) -> Shown:
    """Draw how many ticks a moving machine wrote in each slice of time, a line for each way.

    Args:
        m: a measurement with the columns ms, ticks (a millisecond), total_ms, downtime_ms,
            longest_gap_ms and asked_pages.
        message: what the figure says.
    """
    figure, panels = new_figure(width=9.0, height=3.9, columns=2)
    columns = ["condition", "total_ms", "downtime_ms", "longest_gap_ms", "asked_pages", "source"]
    table = m.data[columns].drop_duplicates("condition").reset_index(drop=True)
    ends = (m.data["ms"].min(), m.data["ms"].max())
    for place, (axes, row) in enumerate(zip(panels, rows_of(table), strict=False)):
        own = m.data[m.data["condition"] == row["condition"]]
        axes.fill_between(own["ms"], own["ticks"], step="mid", color=COLOURS[place], alpha=0.35)
        axes.step(own["ms"], own["ticks"], where="mid", color=COLOURS[place])
        axes.axvline(0, color="black", ls=":", lw=1.5)
        axes.axvline(row["total_ms"], color="black", ls="--", lw=1.5)
        axes.set(
            xlim=ends, ylim=(0, 1.5), xlabel="ms from the command (dotted) to the end (dashed)"
        )
        axes.text(0.03, 0.96, row["condition"], transform=axes.transAxes, va="top", weight="bold")
    panels[0].set_ylabel("ticks a millisecond")
    set_title(panels[0], message, m, count=False)
    listed = "; ".join(
        f"{row['condition']}: {short(row['total_ms'])} ms in all, "
        f"{short(row['downtime_ms'])} down, longest gap {short(row['longest_gap_ms'])}, "
        f"asked for {short(row['asked_pages'])} pages"
        for row in rows_of(table)
    )
    return Shown(figure, f"Ticks of a machine that moves. {listed}.", table)
