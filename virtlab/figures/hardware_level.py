"""Figures of hardware shared out: where a guest's time goes, and what guests were promised."""

from __future__ import annotations

import pandas as pd

from virtlab.figures.base import (
    COLOURS,
    HATCHES,
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

WHOSE = ("the guest's own work", "leaving, entering, interruptions", "our monitor")


@styled
def time_split(m: Measurement) -> Shown:
    """Draw whose time a guest's time is, as shares of a bar for each condition.

    Args:
        m: with the columns condition, native_us (the work alone), inside_us (in the call that runs
            the guest) and total_us.
    """
    columns = ["native_us", "inside_us", "total_us"]
    table = m.data.groupby("condition", sort=False)[columns].median()
    own = table[["native_us", "inside_us"]].min(axis=1)
    parts = pd.DataFrame(
        {
            WHOSE[0]: own,
            WHOSE[1]: table["inside_us"] - own,
            WHOSE[2]: table["total_us"] - table["inside_us"],
        }
    )
    shares = parts.div(table["total_us"], axis=0) * 100
    figure, axes = new_figure(height=2.1 + 0.42 * len(shares))
    left = pd.Series(0.0, index=shares.index)
    for place, name in enumerate(WHOSE):
        axes.barh(
            range(len(shares)),
            shares[name],
            left=left,
            height=0.66,
            color=COLOURS[place],
            hatch=HATCHES[place],
            edgecolor="white",
            label=name,
        )
        left = left + shares[name]
    axes.set_yticks(range(len(shares)), shares.index)
    axes.set(xlabel="% of the processor time from start to end", xlim=(0, 100))
    axes.grid(axis="y", visible=False)
    legend_below(figure)
    source = m.data.groupby("condition", sort=False)["source"].first()
    shown = shares.assign(total_us=table["total_us"], source=source).reset_index()
    least, most = shares[WHOSE[0]].min(), shares[WHOSE[0]].max()
    told = f"The guest's own work takes between {short(least)} and {short(most)} % of the time"
    set_title(axes, told, m)
    listed = "; ".join(
        f"{row['condition']}: {', '.join(f'{short(row[name])} %' for name in WHOSE)}"
        for row in rows_of(shown)
    )
    return Shown(figure, f"Shares of {', '.join(WHOSE)}: {listed}.", shown)


@styled
def promises(m: Measurement) -> Shown:
    """Draw what each guest was promised, what it has used, and what the host holds for it.

    Args:
        m: with the columns condition, promised_mib, used_mib, held_mib and host_mib.
    """
    columns = ["promised_mib", "used_mib", "held_mib", "host_mib"]
    table = m.data.groupby("condition", sort=False)[columns].median()
    table = table.assign(source=m.data.groupby("condition", sort=False)["source"].first())
    table = table.reset_index()
    figure, axes = new_figure(height=2.2 + 0.42 * len(table))
    for height, row in enumerate(rows_of(table.iloc[::-1])):
        low, high = sorted((row["held_mib"], row["promised_mib"]))
        axes.plot([low, high], [height, height], "-", color="#BBBBBB", lw=1, zorder=1)
        axes.plot(row["promised_mib"], height, "s", color=COLOURS[1], mfc="white", mew=2, ms=10)
        axes.plot(row["held_mib"], height, "o", color=COLOURS[0], ms=8)
        axes.plot(row["used_mib"], height, "|", color="black", ms=18, mew=2)
    axes.plot([], [], "s", color=COLOURS[1], mfc="white", mew=2, ms=10, label="promised")
    axes.plot([], [], "o", color=COLOURS[0], ms=8, label="held by the host")
    axes.plot([], [], "|", color="black", ms=14, mew=2, label="written by the guest")
    axes.set_yticks(range(len(table)), table["condition"].iloc[::-1])
    axes.set_ylim(-0.6, len(table) - 0.4)
    axes.grid(axis="y", visible=False)
    log_axis(axes.xaxis)
    axes.set_xlabel("MiB (log axis)")
    legend_below(figure)
    promised, held = table["promised_mib"].sum(), table["held_mib"].sum()
    told = f"{short(promised)} MiB are promised, {short(held)} MiB are held"
    set_title(axes, told, m, count=False)
    listed = "; ".join(
        f"{row['condition']}: promised {short(row['promised_mib'])}, written "
        f"{short(row['used_mib'])}, held {short(row['held_mib'])} MiB"
        for row in rows_of(table)
    )
    return Shown(figure, f"{listed}.", table)
