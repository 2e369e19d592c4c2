"""Figures of walls: which attack got through, and which was stopped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.patches import Rectangle

from virtlab.figures.base import COLOURS, Shown, new_figure, rows_of, set_title, styled
from virtlab.registry import Measurement

_LIGHT = "#DCEBF5"
MOST_WIDE = 6  # columns


@styled
def grid(
    m: Measurement,
    columns: Mapping[str, str],
    opened: Sequence[str] = ("got through", "done"),
    message: str = "",
    what: str = "attempts went through",
    welcome: bool = False,
) -> Shown:
    """Draw what came of every attempt in every condition, a row for each condition.

    Args:
        m: a measurement with one row for each condition.
        columns: the columns with the attempts, in order → what to write above each.
        opened: the values that say that an attempt went through; numbers stay uncoloured.
        message: what the figure says; how many went through if empty.
        what: what is counted, and the verb that says what became of it.
        welcome: what went through was hoped for: it is blue, and not orange as a warning.
    """
    table = m.data[["condition", *columns, "source"]].reset_index(drop=True)
    # With many columns the words wrap sooner: a picture that is too wide is shown too small.
    wide = len(columns) <= MOST_WIDE
    across_inches, down_inches, letters = (1.32, 0.44, 16) if wide else (0.86, 0.56, 9)
    figure, axes = new_figure(
        width=2.9 + across_inches * len(columns), height=1.4 + down_inches * len(table)
    )
    stands_out = COLOURS[5] if welcome else COLOURS[1]
    through = 0
    for height, row in enumerate(rows_of(table)):
        for across, name in enumerate(columns):
            value = row[name]
            is_open = str(value) in opened
            through += is_open
            neutral = not isinstance(value, str)
            face = "white" if neutral else stands_out if is_open else _LIGHT
            axes.add_patch(
                Rectangle((across, height), 1, 1, facecolor=face, edgecolor="white", lw=3)
            )
            axes.text(
                across + 0.5,
                height + 0.5,
                _wrapped(str(value), letters),
                ha="center",
                va="center",
                fontsize=11,
                fontweight="bold" if is_open else "normal",
                color="black",
                linespacing=0.95,
            )
    axes.set(xlim=(0, len(columns)), ylim=(len(table), 0))
    axes.set_xticks([place + 0.5 for place in range(len(columns))], list(columns.values()))
    hollow = [
        "" if source != "recorded" or m.source != "mixed" else " *" for source in table["source"]
    ]
    names = [f"{name}{mark}" for name, mark in zip(table["condition"], hollow, strict=True)]
    axes.set_yticks([place + 0.5 for place in range(len(table))], names)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    tried = [name for name in columns if m.data[name].map(lambda one: isinstance(one, str)).all()]
    told = f"{through} of {len(table) * len(tried)} {what}"
    set_title(axes, message or told, m, count=False)
    by_row = [
        f"{row['condition']}: "
        + (", ".join(columns[name] for name in tried if row[name] in opened) or "none")
        for row in rows_of(table)
    ]
    words = {name: label.replace("\n", " ") for name, label in columns.items()}
    sentence = f"{told}. By row: {'; '.join(by_row)}.".replace("\n", " ")
    return Shown(figure, sentence, table.rename(columns=words))


def _wrapped(text: str, letters: int) -> str:
    """Break what has so many letters or more over two lines."""
    words = text.split(" ")
    if len(text) < letters or len(words) < 2:
        return text
    half = min(range(1, len(words)), key=lambda at: abs(len(" ".join(words[:at])) - len(text) / 2))
    return "\n".join([" ".join(words[:half]), " ".join(words[half:])])
