"""Figures of virtual machines: memory promised and held, and what untrusted code can reach."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.patheffects import withStroke

from virtlab.figures.base import (
    COLOURS,
    GREY,
    HATCHES,
    Shown,
    new_figure,
    rows_of,
    set_title,
    short,
    styled,
)
from virtlab.registry import Measurement


@styled
def guest_memory(m: Measurement) -> Shown:
    """Draw, step by step, what a guest was promised, what it uses, and what the host holds.

    Args:
        m: of an experiment with the columns promised_mib, step, guest_mib, held_mib, monitor_mib
            and accelerator.
    """
    names = list(m.data["condition"].unique())
    figure, panels = new_figure(width=3.1 * len(names) + 0.6, height=4.0, columns=len(names))
    panels = np.atleast_1d(panels)
    columns = ["condition", "step", "promised_mib", "guest_mib", "held_mib", "monitor_mib"]
    table = m.data[columns].groupby(columns[:2], as_index=False, sort=False).median()
    bars = {"guest_mib": "the guest uses", "held_mib": "the host holds for it"}
    for axes, name in zip(panels, names, strict=True):
        own = table[table["condition"] == name].reset_index(drop=True)
        promised = float(own["promised_mib"].iloc[0])
        axes.axhline(promised, color=GREY, ls="--", lw=1.5, label="promised")
        for place, (column, words) in enumerate(bars.items()):
            spots = own.index.to_numpy(float) + 0.4 * place - 0.2
            axes.bar(
                spots,
                own[column],
                0.38,
                color=COLOURS[place],
                hatch=HATCHES[place],
                edgecolor="white",
                label=words,
            )
            for spot, height in zip(spots, own[column], strict=True):
                axes.annotate(
                    f"{height:.0f}",
                    (spot, height),
                    xytext=(0, 2),
                    textcoords="offset points",
                    ha="center",
                    # The line of what is promised may run behind it.
                    path_effects=[withStroke(linewidth=3, foreground="white")],
                )
        axes.set_xticks(own.index, [_in_lines(step) for step in own["step"]])
        axes.set_ylim(0, 1.3 * max(promised, own[["guest_mib", "held_mib"]].max().max()))
        axes.grid(axis="x", visible=False)
        accelerator = m.data.loc[m.data["condition"] == name, "accelerator"].iloc[0]
        title = f"{name}\n{accelerator}"
        axes.text(
            0.02,
            0.98,
            title,
            transform=axes.transAxes,
            va="top",
            fontweight="bold",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5},  # no grid through it
        )
    panels[0].set_ylabel("MiB")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
    last = table.groupby("condition", sort=False).last()
    kept = last[last["held_mib"] > last["guest_mib"] + 16]
    told = (
        "What a guest gives back to its kernel, the host still holds"
        if len(kept)
        else "The host holds what a guest has touched"
    )
    set_title(panels[0], told, m, count=False)
    listed = "; ".join(
        f"{row['condition']}, {row['step']}: guest {short(row['guest_mib'])}, host "
        f"{short(row['held_mib'])}"
        for row in rows_of(table)
    )
    return Shown(figure, f"MiB in use by the guest and held by the host. {listed}.", table)


def _in_lines(step: str) -> str:
    """Break a step's name after its first word: labels stand side by side."""
    first, _, rest = step.partition(" ")
    return f"{first}\n{rest}" if rest else first


@styled
def interface_width(m: Measurement) -> Shown:
    """Draw what untrusted code can reach, and what the process that walls it in could reach.

    Args:
        m: of an experiment with the columns calls, doors and wall_calls.
    """
    # The widest first: rows that were filled in from a recording stand last in the data.
    table = m.data.sort_values("calls", ascending=False, kind="stable")
    table = table.iloc[::-1].reset_index(drop=True)
    figure, axes = new_figure(width=8.8, height=1.9 + 0.62 * len(table))
    parts = {
        "calls": "system calls of the host",
        "doors": "ports and addresses where a device answers",
        "wall_calls": "behind it: system calls of the process that is the wall",
    }
    for place, (column, words) in enumerate(parts.items()):
        values = table[column].to_numpy(float)
        behind = column == "wall_calls"
        offset = -0.2 if behind else 0.2
        shown = np.where(np.isnan(values), 0, values)
        bars = axes.barh(
            table.index.to_numpy(float) + offset,
            shown,
            0.36,
            color="white" if behind else COLOURS[place],
            edgecolor=COLOURS[place],
            hatch=HATCHES[1] if behind else HATCHES[0],
            label=words,
        )
        for bar, source in zip(bars, table["source"], strict=True):
            if m.source == "mixed" and source == "recorded":
                bar.set_facecolor("white")  # hollow, as the line below the title says
        for height, value in enumerate(values):
            if value > 0:
                axes.annotate(
                    f"{value:.0f}",
                    (value, height + offset),
                    xytext=(5, 0),
                    textcoords="offset points",
                    va="center",
                )
    axes.set_yticks(table.index, [_named(row) for row in rows_of(table)])
    axes.set_xlabel("how many")
    axes.margins(x=0.1)
    axes.grid(axis="y", visible=False)
    figure.legend(loc="outside lower center", ncols=1, frameon=False)
    message = "A guest reaches devices, not the host's system calls; its monitor reaches both"
    set_title(axes, message, m, count=False)
    listed = "; ".join(
        f"{row['condition']}: {row['calls']:.0f} calls, {row['doors']:.0f} doors"
        + ("" if math.isnan(row["wall_calls"]) else f", its wall {row['wall_calls']:.0f} calls")
        for row in rows_of(table[::-1])
    )
    columns = ["condition", "calls", "doors", "devices", "wall_calls", "accelerator", "source"]
    told: pd.DataFrame = table[::-1][columns].copy()
    for column in ("calls", "doors", "devices", "wall_calls"):
        told[column] = [_whole(one) for one in told[column]]
    return Shown(figure, f"What code inside can reach. {listed}.", told)


def _named(row: dict[str, object]) -> str:
    accelerator = row["accelerator"]
    if isinstance(accelerator, str) and accelerator:
        return f"{row['condition']}\n{accelerator}"
    return str(row["condition"])


def _whole(number: float) -> str:
    return "–" if math.isnan(number) else f"{number:.0f}"
