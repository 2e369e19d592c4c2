"""Figures of tenants that share a core, memory and limits."""

from __future__ import annotations

import numpy as np
import pandas as pd

from virtlab.figures.base import (
    COLOURS,
    GREY,
    HATCHES,
    MARKERS,
    Shown,
    log_axis,
    new_figure,
    rows_of,
    set_title,
    short,
    styled,
)
from virtlab.registry import Measurement


@styled
def utilization(m: Measurement) -> Shown:
    """Draw how busy 1..N tenants keep one core, against a core each, and what they wait for it."""
    table = (
        m.data.groupby("tenants", as_index=False)
        .agg(
            n=("busy_fraction", "size"),
            busy_fraction=("busy_fraction", "median"),
            work_per_core_s=("work_per_core_s", "median"),
            response_ms=("response_ms", "median"),
        )
        .sort_values("tenants", ignore_index=True)
    )
    alone, most = table.iloc[0], table.iloc[-1]
    figure, (left, right) = new_figure(width=8.5, height=3.8, columns=2)
    left.plot(table["tenants"], 100 * table["busy_fraction"], "-o", color=COLOURS[0])
    left.axhline(100 * alone["busy_fraction"], color=COLOURS[1], ls="--")
    left.annotate(
        "sharing one core",
        (most["tenants"], 100 * most["busy_fraction"]),
        xytext=(0, -18),
        textcoords="offset points",
        ha="right",
        color=COLOURS[0],
    )
    left.annotate(
        "a core each",
        (most["tenants"], 100 * alone["busy_fraction"]),
        xytext=(0, -16),
        textcoords="offset points",
        ha="right",
        color=COLOURS[1],
    )
    left.set(xlabel="tenants", ylabel="busy (% of each core)", ylim=(0, 112))
    right.plot(table["tenants"], table["response_ms"], "-s", color=COLOURS[3])
    right.set(xlabel="tenants sharing the core", ylabel="median response (ms, log axis)")
    log_axis(right.yaxis)
    for axes in (left, right):
        axes.set_xticks(table["tenants"])
    waits = most["response_ms"] / alone["response_ms"]
    set_title(left, "Sharing fills the core and makes tenants wait", m)
    gain = most["work_per_core_s"] / alone["work_per_core_s"]
    sentence = (
        f"One tenant keeps a core {100 * alone['busy_fraction']:.0f} % busy; "
        f"{most['tenants']:.0f} tenants keep it {100 * most['busy_fraction']:.0f} % busy and get "
        f"{short(gain)} times the work out of each core-second. Their median response takes "
        f"{short(waits)} times as long."
    )
    return Shown(figure, sentence, table)


@styled
def share_against_weight(m: Measurement) -> Shown:
    """Draw the share of the core each tenant got against the share its weight promises."""
    table = m.data.groupby(["condition", "tenants", "tenant"], as_index=False, sort=False).agg(
        weight=("weight", "first"),
        expected=("expected", "first"),
        share=("share", "median"),
        n=("share", "size"),
    )
    table = table.sort_values(["tenants", "condition", "tenant"], ignore_index=True)
    figure, axes = new_figure(width=6.4, height=4.8)
    top = 105 * max(table["expected"].max(), table["share"].max())
    axes.plot([0, top], [0, top], color=GREY, ls="--", lw=1)
    axes.annotate(
        "as promised",
        (0.62 * top, 0.62 * top),
        xytext=(8, -14),
        textcoords="offset points",
        color=GREY,
    )
    for place, (tenants, group) in enumerate(table.groupby("tenants")):
        axes.plot(
            100 * group["expected"],
            100 * group["share"],
            MARKERS[place % 7],
            color=COLOURS[place % 7],
            mfc="none",
            mew=2,
            ms=9,
            label=f"{tenants} tenants",
        )
    axes.set(xlabel="promised by weight (% of the core)", ylabel="got (% of the core)")
    axes.set(xlim=(0, top), ylim=(0, top))
    axes.legend(loc="upper left", frameon=True)
    worst = 100 * (table["share"] - table["expected"]).abs().max()
    follows = worst < 5
    message = "Shares follow the weights" if follows else "Shares differ from the weights"
    set_title(axes, message, m, count=False)
    mechanism = str(m.data["mechanism"].iloc[0])
    sentence = (
        f"{table['tenants'].min()} to {table['tenants'].max()} tenants share one core by "
        f"{mechanism}: each got what its weight promises, to within {short(worst)} points of 100."
    )
    return Shown(figure, sentence, table.drop(columns="tenants"))


@styled
def overcommit(m: Measurement) -> Shown:
    """Draw what happens to requests as more is promised than there is, and what warns of it."""
    table = m.data.groupby("tenants", as_index=False).agg(
        n=("requests", "sum"),
        promised=("promised", "first"),
        response_ms=("response_ms", "median"),
        response_p99_ms=("response_p99_ms", "median"),
        waited=("waited", "median"),
        cpu_pressure=("cpu_pressure", "median"),
    )
    figure, (left, right) = new_figure(width=8.5, height=3.8, columns=2)
    x = 100 * table["promised"]
    left.plot(x, table["response_p99_ms"], "-^", color=COLOURS[1], label="p99")
    left.plot(x, table["response_ms"], "-o", color=COLOURS[0], label="median")
    left.set(xlabel="promised (% of the core)", ylabel="response (ms, log axis)")
    log_axis(left.yaxis)
    left.legend(loc="upper left")
    right.plot(x, 100 * table["cpu_pressure"], "--s", color=COLOURS[3], label="machine (PSI)")
    right.plot(x, 100 * table["waited"], "-o", color=COLOURS[2], label="one tenant")
    right.set(xlabel="promised (% of the core)", ylabel="waiting for a core (% of the time)")
    right.set_ylim(0, 105)
    right.legend(loc="lower right")
    set_title(left, "The tail grows before the core is full, and waiting tells of it", m)
    first, last = table.iloc[0], table.iloc[-1]
    sentence = (
        f"With {100 * first['promised']:.0f} % of the core promised the median response takes "
        f"{short(first['response_ms'])} ms, with {100 * last['promised']:.0f} % "
        f"{short(last['response_ms'])} ms; the time a tenant waits for the core rises from "
        f"{100 * first['waited']:.0f} to {100 * last['waited']:.0f} %."
    )
    return Shown(figure, sentence, table)


@styled
def page_sharing(m: Measurement) -> Shown:
    """Draw what tenants with the same bytes hold: in RSS, which counts a page again, and in PSS."""
    table = m.data.groupby("condition", as_index=False, sort=False).agg(
        asked_mib=("asked_mib", "first"),
        rss_mib=("rss_mib", "median"),
        pss_mib=("pss_mib", "median"),
    )
    table = table.sort_values("pss_mib", ascending=False, ignore_index=True)
    figure, axes = new_figure(height=4.0)
    places = np.arange(len(table))
    for shift, name, look in ((-0.2, "rss_mib", 0), (0.2, "pss_mib", 1)):
        bars = axes.bar(
            places + shift,
            table[name],
            0.38,
            color=COLOURS[look],
            hatch=HATCHES[look],
            edgecolor="white",
            label=name.split("_")[0].upper(),
        )
        axes.bar_label(bars, [short(one) for one in table[name]], padding=2)
    axes.set_xticks(places, table["condition"])
    axes.set_ylabel("MiB, all tenants together")
    axes.grid(axis="x", visible=False)
    axes.margins(y=0.08)
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    most, least = table.iloc[0], table.iloc[-1]
    set_title(
        axes, f"Sharing pages: {short(most['pss_mib'])} MiB become {short(least['pss_mib'])}", m
    )
    listed = ", ".join(f"{row['condition']} {short(row['pss_mib'])}" for row in rows_of(table))
    sentence = (
        f"Tenants that asked for {short(most['asked_mib'])} MiB of the same bytes hold, in MiB of "
        f"PSS: {listed}. The sum of RSS shows no difference."
    )
    return Shown(figure, sentence, table)


@styled
def limits(m: Measurement) -> Shown:
    """Draw what a tenant gets under each limit, as a share of what it gets without."""
    table = m.data.pivot_table(index="limit", columns="limited", values="got", sort=False)
    limited = m.data[m.data["limited"]].groupby("limit", sort=False)
    table = pd.DataFrame(
        {
            "limit": table.index,
            "free": table[False].to_numpy(),
            "limited": table[True].to_numpy(),
            "bound": limited["bound"].first().reindex(table.index).to_numpy(),
            "unit": limited["unit"].first().reindex(table.index).to_numpy(),
            "events": limited["events"].median().reindex(table.index).to_numpy(),
            "outcome": limited["outcome"].first().reindex(table.index).to_numpy(),
        }
    ).sort_values("limit", ascending=False, ignore_index=True)
    figure, axes = new_figure(height=1.7 + 0.45 * len(table))
    for height, row in enumerate(rows_of(table)):
        axes.barh(height, 100, height=0.7, color="#EEEEEE")
        share = 100 * row["limited"] / row["free"]
        axes.barh(height, share, height=0.7, color=COLOURS[0], hatch="//", edgecolor="white")
        axes.plot(
            [100 * row["bound"] / row["free"]] * 2, [height - 0.42, height + 0.42], "k-", lw=3
        )
        words = f"{short(row['limited'])} of {short(row['free'])} {row['unit']}: {row['outcome']}"
        axes.annotate(words, (102, height), va="center", annotation_clip=False)
    axes.set_yticks(range(len(table)), table["limit"])
    axes.set(xlim=(0, 205), xlabel="what the tenant got (% of what it gets without the limit)")
    axes.set_xticks([0, 25, 50, 75, 100])
    axes.grid(visible=False)
    binds = table["limited"] < table["free"]
    set_title(axes, f"{binds.sum()} of {len(table)} limits bind (black: what is allowed)", m)
    listed = "; ".join(
        f"{row['limit']}: {short(row['limited'])} instead of {short(row['free'])} {row['unit']}, "
        f"{row['outcome']}"
        for row in rows_of(table[::-1])
    )
    return Shown(figure, f"With the limit the tenant got: {listed}.", table[::-1])
