"""Figures of models, drawn from their settings: what a student explores with sliders.

`virtlab.sliders.explore` calls them with whole numbers. None of them shows a measurement.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.patches import Rectangle

from virtlab.figures.base import (
    COLOURS,
    GREY,
    HATCHES,
    Shown,
    legend_below,
    new_figure,
    short,
    styled,
    title,
)
from virtlab.machines.paging import X86_64
from virtlab.models.fair_share import capped_share, fair_share
from virtlab.models.migration import PreCopy, precopy
from virtlab.models.packing import lower_bound, pack

SOURCE = "a model, computed from the settings"
MEMORY_MIB = 1024
MOST_DOWNTIME_S, MOST_ROUNDS = 0.04, 12
# GiB of memory that twenty virtual machines ask for.
MACHINES_GIB = (12, 2, 6, 4, 3, 8, 2, 10, 5, 4, 7, 2, 3, 9, 4, 6, 2, 5, 3, 7)


@styled
def one_core(weight_of_A: int, A_wants: int, B_wants: int) -> Shown:  # noqa: N803 - a slider's label
    """Draw what three tenants get of one core, by weight and by cap; the third wants all of it.

    Args:
        weight_of_A: the others' weight is 1.
        A_wants: percent of the core.
        B_wants: percent of the core.
    """
    weights, wants = [weight_of_A, 1, 1], [A_wants, B_wants, 100]
    ways = {
        "wants": [float(want) for want in wants],
        "gets by weight": fair_share(weights, wants, 100),
        "gets by cap": capped_share(weights, wants, 100),
    }
    table = pd.DataFrame({"tenant": ["A", "B", "C"], "weight": weights, **ways})
    figure, axes = new_figure(height=3.8)
    for number, (name, shares) in enumerate(ways.items()):
        axes.bar(
            np.arange(3) + 0.27 * (number - 1),
            shares,
            0.25,
            color="white" if name == "wants" else COLOURS[number],
            edgecolor="#333333",
            hatch=HATCHES[number],
            label=name,
        )
    axes.set(xticks=range(3), ylim=(0, 112), ylabel="% of the core")
    axes.set_xticklabels([f"{name}, weight {weights[n]}" for n, name in enumerate("ABC")])
    idle = {name: 100 - sum(shares) for name, shares in ways.items()}
    lost = idle["gets by cap"] - idle["gets by weight"]
    message = "Caps leave idle what weights hand on" if lost > 0.5 else "Weights and caps agree"
    title(axes, message, SOURCE)
    legend_below(figure)
    sentence = (
        f"By weight A, B and C get {_listed(ways['gets by weight'])} % of the core and "
        f"{short(idle['gets by weight'])} % is idle; by cap {_listed(ways['gets by cap'])} %, and "
        f"{short(idle['gets by cap'])} % is idle."
    )
    return Shown(figure, sentence, table)


@styled
def copy_rounds(writes_MiB_a_second: int, link_MiB_a_second: int, writes_to_MiB: int) -> Shown:  # noqa: N803
    """Draw what each round of a pre-copy migration sends of a machine with 1 GiB.

    Args:
        writes_MiB_a_second: how much memory the guest makes dirty.
        link_MiB_a_second: the link's width.
        writes_to_MiB: the guest's writable working set.
    """

    def within(rounds: int) -> PreCopy:
        again = min(writes_to_MiB, MEMORY_MIB)
        rates = (writes_MiB_a_second, link_MiB_a_second)
        return precopy(MEMORY_MIB, *rates, again, MOST_DOWNTIME_S, rounds)

    went = within(MOST_ROUNDS)
    sent = [float(MEMORY_MIB), *(within(n).sent for n in range(1, went.rounds + 1))]
    each = [sent[0], *np.diff(sent)]
    names = [*(str(number) for number in range(1, went.rounds + 1)), "stopped"]
    figure, axes = new_figure(height=3.8)
    axes.bar(names[:-1], each[:-1], color=COLOURS[0], edgecolor="#333333", label="while it runs")
    axes.bar(
        names[-1], each[-1], color=COLOURS[1], edgecolor="#333333", hatch="//", label="stopped"
    )
    axes.set(xlabel="round", ylabel="sent (MiB)")
    message = "It had to be stopped early" if went.forced else "The rounds get short enough"
    title(axes, message, SOURCE)
    legend_below(figure)
    sentence = (
        f"{went.rounds} rounds and {short(went.total)} s; then the machine stands still for "
        f"{short(1000 * went.downtime)} ms. {short(MOST_DOWNTIME_S * 1000)} ms are allowed, "
        f"{MOST_ROUNDS} rounds at most."
    )
    return Shown(figure, sentence, pd.DataFrame({"round": names, "sent_MiB": each}))


@styled
def table_walk(entry_1: int, entry_2: int, entry_3: int, entry_4: int, byte: int) -> Shown:
    """Draw the walk of the address that these entries of the four tables lead to.

    Args:
        entry_1: of the top table, below half of its size (the upper half is the kernel's).
        entry_2: of the second table.
        entry_3: of the third.
        entry_4: of the last, which names the page.
        byte: within the page.
    """
    entries = [entry_1, entry_2, entry_3, entry_4]
    parts = [entry * X86_64.span(4 - n) for n, entry in enumerate(entries)]
    address = sum(parts) + byte
    figure, axes = new_figure(height=3.6)
    size = 1 << X86_64.index_bits
    heights = [entry / size for entry in entries] + [byte / X86_64.page]
    for place, height in enumerate(heights):
        axes.add_patch(_box(place, 0, 1, "white", COLOURS[5] if place < 4 else COLOURS[4]))
        axes.add_patch(_box(place, height - 0.02, 0.04, COLOURS[0], COLOURS[0]))
        if place < 4:
            axes.annotate(
                "",
                (place + 1 - 0.03, 0),
                (place + 0.62, height),
                arrowprops={"arrowstyle": "->", "color": GREY, "lw": 1.5},
            )
    axes.set(xlim=(-0.1, 4.7), ylim=(1.06, -0.06), yticks=[], xticks=np.arange(5) + 0.3)
    names = [f"table {n}\nentry {entry}" for n, entry in enumerate(entries, 1)]
    axes.set_xticklabels([*names, f"page\nbyte {byte}"])
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    title(axes, f"Address {address:#x}", f"{SOURCE}; four reads, then the byte")
    table = pd.DataFrame(
        {
            "level": ["top", "second", "third", "last", "in the page"],
            "chosen": [*entries, byte],
            "bits": [f"{entry:09b}" for entry in entries] + [f"{byte:012b}"],
            "one entry covers": ["512 GiB", "1 GiB", "2 MiB", "4 KiB", "1 byte"],
            "adds": [f"{part:#x}" for part in [*parts, byte]],
        }
    )
    bits = " ".join(table["bits"])
    sentence = f"The address {address:#x} is {bits} in binary: four entries, then the byte."
    return Shown(figure, sentence, table)


@styled
def packed_hosts(GiB_of_a_host: int, GiB_kept_free: int) -> Shown:  # noqa: N803
    """Draw twenty virtual machines packed onto hosts by first-fit decreasing.

    Args:
        GiB_of_a_host: memory of each host; at least that of the largest machine and what is kept.
        GiB_kept_free: of each host, for the hypervisor and for peaks.
    """
    room = max(GiB_of_a_host - GiB_kept_free, max(MACHINES_GIB))
    hosts = pack(MACHINES_GIB, room)
    least = lower_bound(MACHINES_GIB, room)
    figure, axes = new_figure(height=3.8)
    for place, host in enumerate(hosts):
        bottom = 0
        for number, machine in enumerate(host):
            size = MACHINES_GIB[machine]
            axes.bar(place, size, 0.7, bottom, color=COLOURS[5 * (number % 2)], edgecolor="white")
            bottom += size
    axes.axhline(room, color=COLOURS[1], ls="--")
    axes.set(xlabel="host", ylabel="memory given out (GiB)", xticks=range(len(hosts)))
    axes.set_xticklabels([str(number) for number in range(1, len(hosts) + 1)])
    full = sum(MACHINES_GIB) / (len(hosts) * room)
    best = "no packing needs fewer" if len(hosts) == least else f"none needs fewer than {least}"
    title(axes, f"{len(MACHINES_GIB)} machines on {len(hosts)} hosts: {best}", SOURCE)
    sentence = (
        f"{len(hosts)} hosts with {room} GiB to give out hold {len(MACHINES_GIB)} machines and are "
        f"{100 * full:.0f} % full; the lower bound is {least}."
    )
    rows = [
        {
            "host": number,
            "machines_GiB": ", ".join(str(MACHINES_GIB[machine]) for machine in host),
            "free_GiB": room - sum(MACHINES_GIB[machine] for machine in host),
        }
        for number, host in enumerate(hosts, 1)
    ]
    return Shown(figure, sentence, pd.DataFrame(rows))


def _box(place: float, low: float, height: float, face: str, edge: str) -> Rectangle:
    return Rectangle((place, low), 0.6, height, facecolor=face, edgecolor=edge, lw=2)


def _listed(shares: Sequence[float]) -> str:
    *first, last = [short(share) for share in shares]
    return f"{', '.join(first)} and {last}"
