"""Figures of a hypervisor at work: how often guests come back to it, and how a fleet gets on."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.ticker import LogLocator

from virtlab.figures.base import (
    COLOURS,
    GREY,
    LINES,
    Shown,
    ink,
    log_axis,
    new_figure,
    rows_of,
    set_title,
    short,
    styled,
)
from virtlab.registry import Measurement


@styled
def exits(m: Measurement, prediction: Mapping[str, float] | None = None) -> Shown:
    """Draw how often guests left direct execution, and how often that came back to the monitor.

    Args:
        m: with the columns condition, events, exits, returns and us_per_event.
        prediction: what a guest does → how many returns the student expected.
    """
    columns = ["events", "exits", "returns", "us_per_event"]
    table = m.data.groupby("condition", sort=False)[columns].median()
    table = table.assign(source=m.data.groupby("condition")["source"].first())
    table = table.iloc[::-1].reset_index()
    figure, axes = new_figure(height=1.9 + 0.45 * len(table))
    for height, row in enumerate(rows_of(table)):
        own, kernel = max(1.0, row["returns"]), row["exits"]
        if kernel == kernel:  # the kernel may not tell
            kernel = max(1.0, kernel)
            axes.plot([own, kernel], [height, height], "-", color="#BBBBBB", lw=1, zorder=1)
            axes.plot(kernel, height, "s", color=COLOURS[0], ms=9, mfc="white", mew=2)
        axes.plot(own, height, "o", color=COLOURS[1], ms=7, zorder=3)
        axes.plot(row["events"], height, "|", color="black", ms=16, mew=2)
        expected = (prediction or {}).get(row["condition"], 0)
        if expected > 0:
            axes.plot(expected, height, "x", color="black", ms=9, mew=2, zorder=4)
    handles = {
        "times that the guest did it": ("|", "black", 16),
        "exits, counted in the kernel": ("s", COLOURS[0], 9),
        "returns to our monitor": ("o", COLOURS[1], 7),
    }
    if prediction:
        handles["your prediction of returns"] = ("x", "black", 9)
    for label, (marker, colour, size) in handles.items():
        filling = "white" if marker == "s" else colour
        axes.plot([], [], marker, color=colour, ms=size, mfc=filling, mew=2, label=label)
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    axes.set_yticks(range(len(table)), table["condition"])
    axes.set_ylim(-0.6, len(table) - 0.4)
    most = max(table["events"].max(), *(prediction or {"": 1.0}).values())
    axes.set_xlim(0.6, 2 * most)
    axes.grid(axis="y", visible=False)
    log_axis(axes.xaxis)
    axes.xaxis.set_major_locator(LogLocator(base=100))  # room for the largest numbers
    axes.set_xlabel("how often (log axis)")
    title = "How often each guest exits, and how often our monitor hears of it"
    hidden = table[table["exits"] > 10 * table["returns"]]["condition"]
    if len(hidden):
        title = f"Exits that our monitor does not hear of: {', '.join(hidden.iloc[::-1])}"
    set_title(axes, title, m)
    listed = "; ".join(
        f"{row['condition']}: {short(row['events'])} times, {short(row['exits'])} exits, "
        f"{short(row['returns'])} returns"
        for row in rows_of(table.iloc[::-1])
    )
    return Shown(figure, f"{listed}.", table.iloc[::-1].reset_index(drop=True))


@styled
def fleet(m: Measurement) -> Shown:
    """Draw how far each guest of a fleet had come at each moment; where it is paused, in grey.

    Args:
        m: with the columns condition (the guest), ms, million_turns and state.
    """
    figure, axes = new_figure(height=4.0)
    end = m.data["ms"].max()
    edges = [-1.0, end / 3, 2 * end / 3, end]
    thirds = ("first third", "middle third", "last third")
    rows = []
    for place, (name, own) in enumerate(m.data.groupby("condition", sort=False)):
        own = own.sort_values("ms")
        style = {"ls": LINES[place % 7], "color": COLOURS[place % 7]}
        axes.plot(own["ms"], own["million_turns"], **style)
        paused = own[own["state"] == "paused"]
        axes.plot(paused["ms"], paused["million_turns"], "-", color=GREY, lw=6, alpha=0.35)
        last = own.iloc[-1]
        gone = " (ended)" if last["ms"] < 0.9 * end else ""
        axes.annotate(
            f"{name}{gone}",
            (last["ms"], last["million_turns"]),
            xytext=(-4, 10) if gone else (6, 0),
            textcoords="offset points",
            ha="right" if gone else "left",
            va="center",
            color=ink(COLOURS[place % 7]),
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
        )
        if len(paused):
            middle = paused.iloc[len(paused) // 2]
            axes.annotate(
                "paused",
                (middle["ms"], middle["million_turns"]),
                xytext=(0, -14),
                textcoords="offset points",
                ha="center",
                color=GREY,
            )
        came = own["million_turns"].groupby(pd.cut(own["ms"], edges, labels=thirds), observed=True)
        gained = (came.max() - came.min()).to_dict()
        row = {third: gained.get(third, float("nan")) for third in thirds}
        rows.append({"condition": name, **row, "source": own["source"].iloc[0]})
    axes.set_xlim(0, 1.16 * end)
    axes.set_ylim(bottom=0)
    axes.set(xlabel="milliseconds since the start", ylabel="turns of its loop, in millions")
    table = pd.DataFrame(rows)
    set_title(axes, "C is paused for the middle third; D joins then; A is ended after it", m, False)
    listed = "; ".join(
        f"{row['condition']} {', '.join(short(row[third]) for third in thirds)}"
        for row in rows_of(table)
    )
    sentence = f"Millions of turns gained in the three thirds of the time: {listed}."
    return Shown(figure, sentence.replace("unknown", "not there"), table)
