"""Figures that many chapters use: distributions, medians, lines, slowdowns, maps, phases."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from virtlab import keeping, published
from virtlab.figures.base import (
    COLOURS,
    GREY,
    HATCHES,
    LINES,
    MARKERS,
    Shown,
    beside_row,
    by_condition,
    ink,
    legend_below,
    log_axis,
    new_figure,
    predicted,
    rows_of,
    set_title,
    short,
    spread,
    styled,
)
from virtlab.measure.statistics import median_interval, p99
from virtlab.registry import Measurement


@styled
def dots(
    m: Measurement,
    value: str,
    unit: str,
    xlabel: str,
    prediction: Mapping[str, float] | None = None,
    message: str = "",
) -> Shown:
    """Draw every sample of a value, its median and the prediction, a row for each condition.

    Args:
        m: the measurement.
        value: the column to draw; values must be positive, the axis is logarithmic.
        unit: of the value, as it stands behind a number.
        xlabel: what the value is, with its unit in words.
        prediction: condition → the value that the student expected.
        message: what the figure says; made from the medians if empty.
    """
    table = by_condition(m, value).sort_values("median", ignore_index=True)
    expected = {name: one for name, one in (prediction or {}).items() if one > 0}
    figure, axes = new_figure(height=1.6 + 0.36 * len(table) + 0.3 * bool(expected))
    for height, row in enumerate(rows_of(table)):
        samples = m.data.loc[m.data["condition"] == row["condition"], value].dropna()
        axes.plot(samples, spread(len(samples), height), ".", color=COLOURS[0], alpha=0.25, ms=4)
        filling = COLOURS[0] if row["source"] == "live" else "white"
        axes.plot(row["median"], height, "o", color=COLOURS[0], mfc=filling, mew=2, ms=9, zorder=3)
        beside_row(axes, height, f"{short(row['median'])} {unit}", COLOURS[0])
        if row["condition"] in expected:
            predicted(axes, expected[row["condition"]], height)
    log_axis(axes.xaxis)
    axes.set_xlabel(f"{xlabel} (log axis)")
    axes.set_yticks(range(len(table)), table["condition"])
    axes.set_ylim(-0.6, len(table) - 0.4)
    axes.margins(x=0.05)
    axes.grid(axis="y", visible=False)
    if axes.get_legend_handles_labels()[1]:
        legend_below(figure)
    least, most = table.iloc[0], table.iloc[-1]
    times = short(most["median"] / least["median"])
    set_title(axes, message or f"{most['condition']}: {times} × {least['condition']}", m)
    listed = ", ".join(f"{row['condition']} {short(row['median'])}" for row in rows_of(table))
    if (table["n"] == 1).all():
        table = table.drop(columns=["p99", "low", "high"])  # one sample says nothing of these
    return Shown(figure, f"Median {unit} ({xlabel}): {listed}.", table)


@styled
def lines(
    m: Measurement,
    x: str,
    y: str,
    xlabel: str,
    ylabel: str,
    message: str,
    log: str = "",
) -> Shown:
    """Draw the median of a value against a setting, one line for each condition.

    Args:
        m: the measurement.
        x: the column with the setting.
        y: the column with the value.
        xlabel: what the setting is, with its unit.
        ylabel: what the value is, with its unit.
        message: what the figure says.
        log: the axes that are logarithmic: "", "x", "y" or "xy".
    """
    pooled = m.data.dropna(subset=[x, y])
    table = pooled.groupby(["condition", x], as_index=False, sort=False).agg(
        n=(y, "size"), median=(y, "median"), source=("source", "first")
    )
    figure, axes = new_figure()
    for place, (name, group) in enumerate(table.groupby("condition", sort=False)):
        group = group.sort_values(x)
        filling = COLOURS[place % 7] if (group["source"] != "recorded").all() else "white"
        axes.plot(
            group[x],
            group["median"],
            ls=LINES[place % 7],
            marker=MARKERS[place % 7],
            color=COLOURS[place % 7],
            mfc=filling,
            label=name,
        )
    labels = {
        axes.xaxis: (axes.set_xlabel, xlabel, "x" in log),
        axes.yaxis: (axes.set_ylabel, ylabel, "y" in log),
    }
    for axis, (set_label, words, logarithmic) in labels.items():
        set_label(f"{words} (log axis)" if logarithmic else words)
        if logarithmic:
            log_axis(axis)
    if "y" not in log:
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    if table["condition"].nunique() > 1:
        legend_below(figure)
    set_title(axes, message, m, count=False)
    ends = [
        f"{name}: from {short(group['median'].iloc[0])} to {short(group['median'].iloc[-1])}"
        for name, group in table.sort_values(x).groupby("condition", sort=False)
    ]
    table = table.rename(columns={"median": f"median {y}"})
    return Shown(figure, f"Median {ylabel}, over {xlabel}: {'; '.join(ends)}.", table)


@styled
def distribution(
    m: Measurement,
    value: str,
    xlabel: str,
    message: str = "",
    conditions: Sequence[str] = (),
) -> Shown:
    """Draw the cumulative distribution of a value for each condition, on a log axis.

    Args:
        m: the measurement.
        value: the column to draw; values must be positive.
        xlabel: what it is, with its unit.
        message: what the figure says; made from the medians if empty.
        conditions: which to draw, in this order; all if empty.
    """
    table = by_condition(m, value)
    if conditions:
        table = table.set_index("condition").loc[list(conditions)].reset_index()
    figure, axes = new_figure(height=max(4.2, 1.2 + 0.24 * len(table)))
    medians = np.sort(table["median"].to_numpy(float))
    few = len(table) <= len(COLOURS)
    apart = few and (len(table) < 2 or bool(np.min(medians[1:] / medians[:-1]) > 1.15))
    heights = np.linspace(0.85, 0.25, len(table)) if len(table) > 1 else [0.5]
    for place, (row, height) in enumerate(zip(rows_of(table), heights, strict=True)):
        samples = (
            m.data.loc[m.data["condition"] == row["condition"], value].dropna().to_numpy(float)
        )
        colour = COLOURS[place % 7]
        line = LINES[(place + place // 7) % 7]  # no two alike among 49
        axes.ecdf(samples, color=colour, ls=line, label=row["condition"])
        if apart:
            axes.annotate(
                str(row["condition"]),
                (float(np.quantile(samples, height, method="inverted_cdf")), height),
                xytext=(6, 0),
                textcoords="offset points",
                va="center",
                color=ink(colour),
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
            )
    if few and not apart:  # labels beside the lines would not tell which is which
        axes.legend(loc="lower right", handlelength=3.5)
    elif not few:
        figure.legend(loc="outside right upper", handlelength=3.5, frameon=False)
    axes.set(xlabel=f"{xlabel} (log axis)", ylabel="share of samples", ylim=(0, 1.02))
    log_axis(axes.xaxis)
    axes.margins(x=0.15)
    ordered = table.sort_values("median")
    slowest, fastest = ordered.iloc[-1], ordered.iloc[0]
    set_title(axes, message or f"{slowest['condition']} is slower than {fastest['condition']}", m)
    listed = ", ".join(f"{row['condition']} {short(row['median'])}" for row in rows_of(table))
    return Shown(figure, f"Median {xlabel}: {listed}.", table)


@styled
def slowdown(
    m: Measurement, value: str = "response_ms", baseline: str = "alone", what: str = "response"
) -> Shown:
    """Draw how many times as long each condition takes as the baseline, with intervals.

    The interval holds the ratio of medians at 95 %, with rounds as what varies.

    Args:
        m: of an experiment with several rounds, and the baseline among its conditions.
        value: the column to compare; a column `limited` decides how a point is drawn.
        baseline: the condition that counts as 1.
        what: what the value is, in a word.
    """
    names = [name for name in m.data["condition"].unique() if name != baseline]
    ratios = {name: m.ratio(name, baseline, value) for name in names}
    worst_of: dict[str, float] = {}
    for name in names:
        group = name.split(",")[0]
        worst_of[group] = max(worst_of.get(group, 0.0), ratios[name][0].estimate)
    names.sort(key=lambda name: (worst_of[name.split(",")[0]], ratios[name][0].estimate))
    limited = set(m.data.loc[m.data["limited"], "condition"]) if "limited" in m.data else set()
    figure, axes = new_figure(height=1.7 + 0.4 * len(names))
    axes.axvline(1, color=GREY, ls="--", lw=1)
    rows = []
    for height, name in enumerate(names):
        (low, estimate, high), source = ratios[name]
        held = name in limited
        colour = COLOURS[2] if held else COLOURS[1]
        if math.isfinite(low) and math.isfinite(high):
            axes.plot([low, high], [height, height], "-", color=colour)
        axes.plot(
            estimate,
            height,
            "s" if held else "o",
            color=colour,
            mfc="white" if held else colour,
            mew=2,
            ms=9,
        )
        axes.annotate(
            f"{short(estimate)}×",
            (high if math.isfinite(high) else estimate, height),
            xytext=(9, 0),
            textcoords="offset points",
            va="center",
        )
        ends = (end if math.isfinite(end) else math.nan for end in (low, high))  # one round: none
        rows.append((name, m.data["condition"].eq(name).sum(), estimate, *ends, source))
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(-0.6, len(names) - 0.4)
    axes.grid(axis="y", visible=False)
    axes.margins(x=0.12)
    log_axis(axes.xaxis)
    axes.set_xlabel(f"median {what}, times that of “{baseline}” (log axis)")
    table = pd.DataFrame(rows, columns=["condition", "n", "times", "low", "high", "source"])
    worst = table.sort_values("times").iloc[-1]
    set_title(axes, f"“{worst['condition']}” slows the {what} {short(worst['times'])} times", m)
    listed = ", ".join(f"{row['condition']} {short(row['times'])}" for row in rows_of(table))
    sentence = f"Median {what} as a multiple of “{baseline}”: {listed}."
    return Shown(figure, sentence, table)


@styled
def heat_map(
    m: Measurement,
    rows: str,
    columns: str,
    value: str,
    label: str,
    statistic: str = "median",
    message: str = "",
) -> Shown:
    """Draw a value for every pair of two settings, with the number in each cell.

    Args:
        m: the measurement; rows without either setting are left out.
        rows: the column whose values are the rows of the map.
        columns: the column whose values are its columns.
        value: the column to show.
        label: what it is, with its unit.
        statistic: how the samples of a cell become one number: median, max, mean or p99.
        message: what the figure says; the extremes if empty.
    """
    pooled = m.data.dropna(subset=[rows, columns, value])
    groups = pooled.groupby([rows, columns])[value]
    wide = (groups.apply(p99) if statistic == "p99" else groups.agg(statistic)).unstack()
    cells = wide.to_numpy(float)
    counts = pd.api.types.is_integer_dtype(pooled[value]) and bool((cells % 1 == 0).all())
    written = "{:,.0f}".format if counts else short
    figure, axes = new_figure(
        width=max(6.4, 2.4 + wide.shape[1]), height=1.9 + 0.62 * wide.shape[0]
    )
    shades = axes.imshow(cells, cmap="cividis", aspect="auto")
    middle = np.nanmin(cells) + (np.nanmax(cells) - np.nanmin(cells)) / 2
    for (high, across), number in np.ndenumerate(cells):
        ink = "black" if number > middle else "white"
        axes.text(across, high, written(number), ha="center", va="center", color=ink)
    axes.set_xticks(range(wide.shape[1]), [f"{one:g}" for one in wide.columns])
    axes.set_yticks(range(wide.shape[0]), [f"{one:g}" for one in wide.index])
    axes.set(xlabel=columns.replace("_", " "), ylabel=rows.replace("_", " "))
    axes.grid(visible=False)
    figure.colorbar(shades, label=label)
    least, most = np.nanmin(cells), np.nanmax(cells)
    set_title(axes, message or f"From {written(least)} to {written(most)}", m)
    sentence = (
        f"{label} ({statistic}) lies between {written(least)} and {written(most)}, by "
        f"{rows.replace('_', ' ')} and {columns.replace('_', ' ')}."
    )
    table = wide.reset_index()
    table.columns = [str(name) for name in table.columns]
    return Shown(figure, sentence, table)


@styled
def timeline(m: Measurement, value: str = "core_share", of: str = "the core") -> Shown:
    """Draw what each tenant got over time, one above the other, a panel for each condition.

    Args:
        m: of an experiment with the columns condition, tenant, second and the value.
        value: the column to stack; a share from 0 to 1.
        of: what it is a share of.
    """
    data = m.data.groupby(["condition", "tenant", "second"], as_index=False)[value].median()
    conditions = list(m.data["condition"].unique())
    figure, panels = new_figure(width=8.5, height=3.8, columns=len(conditions))
    rows = []
    for axes, condition in zip(np.atleast_1d(panels), conditions, strict=True):
        wide = data[data["condition"] == condition].pivot(
            index="second", columns="tenant", values=value
        )
        width = float(np.median(np.diff(wide.index))) if len(wide) > 1 else 1.0
        below = np.zeros(len(wide))
        for place, tenant in enumerate(wide.columns):
            height = 100 * wide[tenant].to_numpy(float)
            axes.bar(
                wide.index,
                height,
                width,
                below,
                align="edge",
                label=f"tenant {tenant}",
                color=COLOURS[place % 7],
                hatch=HATCHES[(place + 1) % 7],
                edgecolor="white",
                lw=0.3,
            )
            below = below + height
            rows.append((condition, f"tenant {tenant}", wide[tenant].mean()))
        rows.append((condition, "together", below.mean() / 100))
        axes.set(
            xlabel="seconds", ylabel=f"% of {of}", ylim=(0, max(118.0, float(np.max(below)) * 1.15))
        )
        axes.text(0.02, 0.97, condition, transform=axes.transAxes, va="top", fontweight="bold")
    first = np.atleast_1d(panels)[0]
    handles, labels = first.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    table = pd.DataFrame(rows, columns=["condition", "who", f"share of {of}"])
    used = {row[0]: 100 * row[2] for row in rows if row[1] == "together"}
    listed = ", ".join(f"{name} {percent:.0f} %" for name, percent in used.items())
    set_title(first, f"How much of {of} is used: {listed}", m, count=False)
    return Shown(figure, f"Of {of} the tenants together use: {listed}.", table)


@styled
def phases(m: Measurement) -> Shown:
    """Draw the phases of one life after the other, as of a boot, one bar for each condition.

    Args:
        m: of an experiment with the columns condition, phase, start_ms and end_ms.
    """
    data = m.data.assign(ms=m.data["end_ms"] - m.data["start_ms"])
    order = list(data.sort_values("start_ms")["phase"].unique())
    table = data.groupby(["condition", "phase"], as_index=False, sort=False)[
        ["start_ms", "ms"]
    ].median()
    conditions = list(table["condition"].unique())
    figure, axes = new_figure(height=1.9 + 0.75 * len(conditions))
    named: set[str] = set()  # each phase stands once in the legend
    for height, condition in enumerate(conditions):
        own = table[table["condition"] == condition]
        whole = (own["start_ms"] + own["ms"]).max()
        for row in rows_of(own):
            place = order.index(row["phase"])
            axes.barh(
                height,
                row["ms"],
                left=row["start_ms"],
                height=0.6,
                edgecolor="white",
                color=COLOURS[place % 7],
                hatch=HATCHES[place % 7],
                label=None if row["phase"] in named else row["phase"],
            )
            named.add(row["phase"])
        axes.annotate(
            f"{short(whole)} ms",
            (whole, height),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
        )
    axes.set_yticks(range(len(conditions)), conditions)
    axes.set_xlabel("milliseconds from the call")
    axes.margins(x=0.12)
    axes.grid(axis="y", visible=False)
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    longest = table.sort_values("ms").iloc[-1]
    lives = data.groupby(["condition", "phase"]).size().max()
    set_title(axes, f"The longest phase: {longest['phase']}", m, count=False)
    listed = ", ".join(
        f"{row['phase']} {short(row['ms'])}"
        for row in rows_of(table[table["condition"] == longest["condition"]])
    )
    sentence = f"Median ms of each phase of {longest['condition']} (n = {lives}): {listed}."
    return Shown(figure, sentence, table)


@styled
def literature(ours: Mapping[str, float | None], m: Measurement, message: str = "") -> Shown:
    """Draw published figures as multiples of ours: what is right of the line was slower or more.

    Args:
        ours: what a published figure is of (as in data/published-figures.csv) → our number in its
            unit, or None where we have none: it is then in the table only.
        m: the measurement that ours are from; its source is told.
        message: what the figure says; how near they lie if empty.

    Raises:
        ValueError: if there is no such published figure.
    """
    table = published.figures(ours)
    keeping.literature(ours, m)
    table["ours"] = [math.nan if one is None else float(one) for one in ours.values()]
    table["times"] = table["number"] / table["ours"]
    drawn = table.dropna(subset=["times"]).iloc[::-1].reset_index(drop=True)
    figure, axes = new_figure(width=8.5, height=1.8 + 0.42 * max(1, len(drawn)))
    axes.axvline(1, color=GREY, ls="--", lw=1)
    for height, row in enumerate(rows_of(drawn)):
        second_hand = row["standing"] == "second-hand"
        colour = COLOURS[1] if second_hand else COLOURS[0]
        axes.plot([1, row["times"]], [height, height], "-", color="#BBBBBB", lw=1, zorder=1)
        axes.plot(
            row["times"],
            height,
            "s" if second_hand else "o",
            color=colour,
            mew=2,
            ms=9,
            mfc="white" if second_hand else colour,
        )
        axes.annotate(
            f"{short(row['times'])} × ({row['year']}{', second-hand' if second_hand else ''})",
            (max(row["times"], 1), height),
            xytext=(9, 0),
            textcoords="offset points",
            va="center",
        )
    axes.set_yticks(range(len(drawn)), [textwrap.fill(what, 34) for what in drawn["what"]])
    axes.set_ylim(-0.6, len(drawn) - 0.4)
    axes.grid(axis="y", visible=False)
    spread = [1.0, *drawn["times"]]
    axes.set_xlim(min(spread) / 3, max(spread) * 60)  # room for the labels
    log_axis(axes.xaxis)
    axes.set_xlabel("published, times ours (log axis)")
    near = int(drawn["times"].between(0.1, 10).sum())
    told = f"{near} of {len(drawn)} published figures lie within ten times of ours"
    set_title(axes, message or told, m, count=False)
    listed = "; ".join(
        f"{row['what']}: {row['value']} {row['unit']} ({row['year']}) against our "
        f"{short(row['ours'])}"
        for row in rows_of(drawn[::-1])
    )
    shown = table.drop(columns=["topic", "number", "times"]).rename(
        columns={"boundary_or_conditions": "conditions", "value": "published"}
    )
    first = ["what", "published", "ours", "unit"]
    shown = shown[first + [name for name in shown.columns if name not in first]]
    return Shown(figure, f"{told}. {listed}.", shown)


def median_and_interval(samples: Sequence[float], unit: str = "ms", seed: int = 1) -> str:
    """Return a median with its interval and n in words, as `0.81 ms (0.79 to 0.83, n = 200)`."""
    found = median_interval(samples, seed)
    return (
        f"{short(found.estimate)} {unit} ({short(found.low)} to {short(found.high)}, "
        f"n = {len(samples)})"
    )
