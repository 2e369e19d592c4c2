"""Figures of what it takes to get an instance: its start, its walls, its memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from virtlab.figures.base import (
    COLOURS,
    MARKERS,
    Shown,
    beside_row,
    by_condition,
    legend_below,
    log_axis,
    new_figure,
    predicted,
    rows_of,
    rung,
    set_title,
    short,
    spread,
    styled,
)
from virtlab.figures.general import dots
from virtlab.registry import Measurement


@styled
def startup_ladder(
    m: Measurement,
    prediction: Mapping[str, float] | None = None,
    boundary: str = "first_reply",
) -> Shown:
    """Draw how long each runtime takes to start: every sample, the median, and the prediction.

    Args:
        m: of an experiment with the columns of a start-up ladder.
        prediction: runtime → milliseconds that the student expected.
        boundary: where the stopwatch stops: first_instruction, first_reply or gone.
    """
    value = f"{boundary}_ms"
    table = by_condition(m, value).sort_values("median", ignore_index=True)
    kinds = m.data.groupby("condition")["kind"].first()
    looks = {kind: place for place, kind in enumerate(dict.fromkeys(kinds[table["condition"]]))}
    expected = {name: ms for name, ms in (prediction or {}).items() if ms > 0}
    figure, axes = new_figure(height=1.6 + 0.42 * len(table) + 0.3 * bool(expected))
    for height, row in enumerate(rows_of(table)):
        samples = (
            m.data.loc[m.data["condition"] == row["condition"], value].dropna().to_numpy(float)
        )
        look = looks[kinds[row["condition"]]]
        colour, marker = COLOURS[look % 7], MARKERS[look % 7]
        axes.plot(samples, spread(len(samples), height), ".", color=colour, alpha=0.3, ms=4)
        filling = colour if row["source"] == "live" else "white"
        axes.plot(row["median"], height, marker, color=colour, mfc=filling, mew=2, ms=9, zorder=3)
        beside_row(axes, height, f"{short(row['median'])} ms", colour)
        if row["condition"] in expected:
            predicted(axes, expected[row["condition"]], height)
    log_axis(axes.xaxis)
    axes.set_xlabel(f"milliseconds from the call to {_words(boundary)} (log axis)")
    axes.set_yticks(range(len(table)), [rung(m, name) for name in table["condition"]])
    axes.set_ylim(-0.6, len(table) - 0.4)
    axes.margins(x=0.05)
    axes.grid(axis="y", visible=False)
    if axes.get_legend_handles_labels()[1]:
        legend_below(figure)
    message = f"{table['condition'].iloc[0]} starts first"
    times = ""
    if len(table) > 1:
        first, last = table["condition"].iloc[0], table["condition"].iloc[-1]
        ratio, source = m.ratio(last, first, value)
        message = f"{last} takes {short(ratio.estimate)} times as long to start as {first}"
        times = (
            f" The ratio {last} / {first} is {short(ratio.estimate)} "
            f"(95 % interval {short(ratio.low)} to {short(ratio.high)}, both {source})."
        )
    set_title(axes, message, m)
    listed = ", ".join(f"{row['condition']} {short(row['median'])}" for row in rows_of(table))
    sentence = f"Median ms from the call to {_words(boundary)}: {listed}.{times}"
    return Shown(figure, sentence, table)


def _words(boundary: str) -> str:
    return {"gone": "its end"}.get(boundary, "the " + boundary.replace("_", " "))


def walls(m: Measurement, prediction: Mapping[str, float] | None = None) -> Shown:
    """Draw what each step of building a container takes: every sample, median, and prediction.

    Args:
        m: of an experiment with the columns condition (the step) and us.
        prediction: step → microseconds that the student expected.
    """
    medians = by_condition(m, "us").set_index("condition")["median"].sort_values()
    dearest = list(medians.index[:-3:-1])
    share = medians.iloc[-2:].sum() / medians.sum()
    message = f"{' and '.join(dearest)} take {100 * share:.0f} % of the time"
    shown = dots(m, "us", "µs", "microseconds for the step", prediction, message)
    whole = short(medians.sum())
    return replace(shown, sentence=f"{shown.sentence} All steps together: {whole}.")


@styled
def idle_memory(m: Measurement) -> Shown:
    """Draw what one idle instance of each kind costs: its program, its keepers, the kernel.

    Args:
        m: of an experiment with the columns program_kib, keeper_kib, kernel_kib and total_kib.
    """
    parts = {
        "program_kib": "the program",
        "keeper_kib": "processes that keep it",
        "kernel_kib": "the kernel",
    }
    table = (
        m.data.groupby("condition", as_index=False)
        .agg(
            n=("total_kib", "size"),
            **{name: (name, "median") for name in (*parts, "total_kib")},
            source=("source", "first"),
        )
        .sort_values("total_kib", ignore_index=True)
    )
    figure, axes = new_figure(height=1.9 + 0.45 * len(table))
    for place, (name, words) in enumerate(parts.items()):
        shown = table[table[name] > 0]
        axes.plot(
            shown[name],
            shown.index,
            MARKERS[place],
            color=COLOURS[place],
            mfc="white" if m.source == "recorded" else COLOURS[place],
            mew=2,
            ms=9,
            label=words,
        )
    for height, row in enumerate(rows_of(table)):
        axes.annotate(
            f"{short(row['total_kib'])} KiB",
            (max(row[name] for name in parts if row[name] == row[name]), height),
            xytext=(10, 0),
            textcoords="offset points",
            va="center",
        )
    log_axis(axes.xaxis)
    axes.set_xlabel("KiB for one idle instance (log axis); at the right the sum")
    axes.set_yticks(range(len(table)), [rung(m, name) for name in table["condition"]])
    axes.set_ylim(-0.6, len(table) - 0.4)
    axes.margins(x=0.2)
    axes.grid(axis="y", visible=False)
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    least, most = table.iloc[0], table.iloc[-1]
    times = short(most["total_kib"] / least["total_kib"])
    set_title(axes, f"An idle {most['condition']} costs {times} × {least['condition']}", m)
    listed = ", ".join(f"{row['condition']} {short(row['total_kib'])}" for row in rows_of(table))
    return Shown(figure, f"Median KiB of one idle instance: {listed}.", table)
