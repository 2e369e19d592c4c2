"""Figures of what leaks through a wall, and of who survives a neighbour's crash."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from virtlab.figures.base import (
    COLOURS,
    GREY,
    Shown,
    legend_below,
    new_figure,
    rows_of,
    set_title,
    short,
    styled,
)
from virtlab.measure.statistics import CONFIDENCE
from virtlab.registry import Measurement

_PALE, _LIGHT, _STRONG = "#F2F2F2", "#F7D9C4", COLOURS[1]


@styled
def leak_map(m: Measurement, nobody: str = "nobody") -> Shown:
    """Draw for each pair of victim and neighbour how many times as long the victim takes.

    A cell is coloured only if its whole interval lies above 1: then the neighbour was noticed.

    Args:
        m: with the columns condition (`victim | neighbour`), victim, neighbour and ns.
        nobody: the neighbour that counts as 1.
    """
    victims = list(m.data["victim"].unique())
    neighbours = [name for name in m.data["neighbour"].unique() if name != nobody]
    rows = []
    for victim in victims:
        for neighbour in neighbours:
            over, under = f"{victim} | {neighbour}", f"{victim} | {nobody}"
            (low, times, high), source = m.ratio(over, under, "ns")
            n = int(m.data["condition"].eq(over).sum())
            seen = "slower" if low > 1 else "faster" if high < 1 else "unclear"
            rows.append((victim, neighbour, n, times, low, high, seen, source))
    names = ["victim", "neighbour", "n", "times", "low", "high", "seen", "source"]
    table = pd.DataFrame(rows, columns=names)
    figure, axes = new_figure(width=2.6 + 1.9 * len(neighbours), height=1.7 + 0.72 * len(victims))
    for row in rows_of(table):
        across, height = neighbours.index(row["neighbour"]), victims.index(row["victim"])
        noticed = row["seen"] == "slower"
        face = _PALE if not noticed else _STRONG if row["times"] >= 2 else _LIGHT
        axes.add_patch(Rectangle((across, height), 1, 1, facecolor=face, edgecolor="white", lw=3))
        ends = f"{short(row['low'])} to {short(row['high'])}"
        axes.text(
            across + 0.5,
            height + 0.38,
            f"{short(row['times'])}×",
            ha="center",
            va="center",
            fontsize=13,
            fontweight="bold" if noticed else "normal",
        )
        axes.text(across + 0.5, height + 0.74, ends, ha="center", va="center", fontsize=11)
    axes.set(xlim=(0, len(neighbours)), ylim=(len(victims), 0))
    axes.set_xticks([place + 0.5 for place in range(len(neighbours))], neighbours)
    axes.set_yticks([place + 0.5 for place in range(len(victims))], victims)
    axes.set_ylabel("the victim is …")
    axes.set_xlabel("the neighbour is …")
    axes.xaxis.set_label_position("top")
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    worst = table.sort_values("times").iloc[-1]
    told = f"Worst: {worst['victim']}, {short(worst['times'])} times as long"
    set_title(axes, told, m, count=False)
    listed = "; ".join(
        f"{row['victim']} beside one {row['neighbour']}: {short(row['times'])} ({row['seen']})"
        for row in rows_of(table)
    )
    return Shown(figure, f"Times as long as with {nobody} beside it. {listed}.", table)


@styled
def survivors(m: Measurement, crashed: str) -> Shown:
    """Draw the share of failed requests of the survivors, before and during, and of the crashed.

    Args:
        m: one row a request, with the columns condition, tenant, sent, answered, start, end and
            deadline; a request failed if it was not answered within the deadline.
        crashed: the name of the tenant that crashed; it is the control.
    """
    data = m.data.copy()
    data["failed"] = ~(data["answered"] - data["sent"] <= data["deadline"])
    before = data["sent"] < data["start"]
    during = ~before & (data["sent"] < data["end"])
    is_crashed = data["tenant"] == crashed
    groups = {
        "survivors, before": ~is_crashed & before,
        "survivors, during": ~is_crashed & during,
        "crashed tenant, during (control)": is_crashed & during,
    }
    levels = list(data["condition"].unique())
    looks = (("o", COLOURS[0], "white"), ("o", COLOURS[1], COLOURS[1]), ("X", "black", "black"))
    figure, axes = new_figure(width=8.2, height=2.2 + 0.62 * len(levels))
    rows = []
    for (name, chosen), (marker, colour, filling), offset in zip(
        groups.items(), looks, (-0.2, 0.0, 0.2), strict=True
    ):
        for height, level in enumerate(levels):
            outcomes = data.loc[chosen & (data["condition"] == level), "failed"]
            count, failures = len(outcomes), int(outcomes.sum())
            low, share, high = share_interval(failures, count)
            place = height + offset
            axes.plot([100 * low, 100 * high], [place, place], "-", color=colour, lw=1.5)
            axes.plot(
                100 * share,
                place,
                marker,
                color=colour,
                mfc=filling,
                mew=2,
                ms=8,
                ls="none",
                label=name if height == 0 else None,
            )
            source = data.loc[data["condition"] == level, "source"].iloc[0]
            rows.append((level, name, count, 100 * share, 100 * low, 100 * high, source))
    recorded = data.groupby("condition")["source"].first().eq("recorded")
    marks = [" *" if m.source == "mixed" and recorded[level] else "" for level in levels]
    axes.set_yticks(range(len(levels)), [a + b for a, b in zip(levels, marks, strict=True)])
    axes.set_ylim(len(levels) - 0.5, -0.5)
    axes.set_xlim(-4, 104)
    axes.set_xlabel("requests that failed, in %")
    axes.grid(axis="y", visible=False)
    for height in range(len(levels) - 1):
        axes.axhline(height + 0.5, color=GREY, lw=0.5)
    legend_below(figure)
    names = ["condition", "who", "n", "failed %", "low", "high", "source"]
    table = pd.DataFrame(rows, columns=names)
    hurt = table[(table["who"] == "survivors, during") & (table["failed %"] > 50)]["condition"]
    told = "A crash takes along who shares its " + (
        "process, or its kernel" if len(hurt) > 1 else "process" if len(hurt) else "fate: nobody"
    )
    set_title(axes, told, m, count=False)
    listed = "; ".join(
        f"{level}: "
        + ", ".join(f"{short(row['failed %'])} % of {row['who']}" for row in rows_of(own))
        for level, own in table.groupby("condition", sort=False)
    )
    return Shown(figure, f"Failed requests by level. {listed}.", table)


def share_interval(
    hits: int, count: int, confidence: float = CONFIDENCE
) -> tuple[float, float, float]:
    """Return low, share and high of a share, by Clopper and Pearson (1934); NaN of nothing.

    The interval is not empty where there was no hit, or nothing but hits.
    """
    if count == 0:
        return math.nan, math.nan, math.nan
    from scipy.stats import beta  # here, because scipy.stats takes long to import

    tail = (1 - confidence) / 2
    low = 0.0 if hits == 0 else float(beta.ppf(tail, hits, count - hits + 1))
    high = 1.0 if hits == count else float(beta.isf(tail, hits + 1, count - hits))
    return low, hits / count, high


@styled
def message(m: Measurement, conditions: tuple[str, ...] = ()) -> Shown:
    """Draw how a listener got on in each slot of time, and what was sent; a panel a condition.

    Args:
        m: with the columns condition, slot, bit and progress.
        conditions: which to draw; all if empty.
    """
    names = list(conditions) or list(m.data["condition"].unique())
    data = m.data[m.data["round"] == m.data["round"].min()] if "round" in m.data else m.data
    figure = Figure(figsize=(8.2, 1.2 + 1.15 * len(names)))
    panels = np.atleast_1d(figure.subplots(len(names), 1))
    rows = []
    for axes, name in zip(panels, names, strict=True):
        own = data[data["condition"] == name].sort_values("slot")
        sent, progress = own["bit"].to_numpy(bool), own["progress"].to_numpy(float)
        axes.bar(own["slot"], sent * 1.0, width=1.0, color="#E3F0F8", label="a 1 is sent")
        edges = np.arange(len(own) + 1) - 0.5
        axes.stairs(
            progress, edges, baseline=None, color=COLOURS[1], lw=2, label="the listener’s work"
        )
        axes.axhline((progress.max() + progress.min()) / 2, color=GREY, ls=":", lw=1)
        axes.set(ylim=(0, 1.1), yticks=[0, 1], xlim=(-0.5, len(own) - 0.5))
        axes.text(
            0.005,
            0.07,
            name,
            transform=axes.transAxes,
            fontweight="bold",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1, "alpha": 0.8},
        )
        axes.grid(visible=False)
        every = m.data[m.data["condition"] == name]
        gap = progress[~sent].mean() - progress[sent].mean()
        rows.append((name, len(every), gap, own["source"].iloc[0]))
    for axes in panels[:-1]:
        axes.set_xticks([])
    panels[-1].set_xlabel("slot of time")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False)
    table = pd.DataFrame(rows, columns=["condition", "n", "slower by, where a 1 is sent", "source"])
    loudest = table.sort_values("slower by, where a 1 is sent").iloc[-1]
    set_title(panels[0], f"“{loudest['condition']}” carries the message", m)
    listed = "; ".join(
        f"{row['condition']}: {short(100 * row['slower by, where a 1 is sent'])} %"
        for row in rows_of(table)
    )
    return Shown(figure, f"How much less the listener did in slots with a 1. {listed}.", table)
