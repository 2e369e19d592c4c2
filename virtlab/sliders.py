"""Sliders over a model: move one, and the figure is drawn again.

A saved notebook, a page of the site or a viewer has no kernel that could draw. There the figure of
the first settings stands as it is, with a line that says what could be moved.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from virtlab.figures.base import Shown

WIDGET = "application/vnd.jupyter.widget-view+json"


def explore(draw: Callable[..., Shown], **ranges: tuple[int, int, int]) -> None:
    """Show what ``draw`` draws, and a slider for each of its arguments.

    Args:
        draw: takes the settings by name and returns a figure.
        ranges: for each setting the least, the greatest and the first value; whole numbers. The
            slider is labelled with the setting's name.

    Raises:
        ValueError: if a range is empty or its first value lies outside.
    """
    from IPython.display import display
    from ipywidgets import IntSlider, Layout, VBox

    for name, (least, greatest, first) in ranges.items():
        if not least <= first <= greatest or least == greatest:
            raise ValueError(
                f"{name}: needs (least, greatest, first), and not {(least, greatest, first)}"
            )
    sliders = {
        name: IntSlider(
            value=first,
            min=least,
            max=greatest,
            description=name.replace("_", " "),
            continuous_update=False,  # a figure takes longer than a mouse
            style={"description_width": "12em"},
            layout=Layout(width="32em"),
        )
        for name, (least, greatest, first) in ranges.items()
    }

    def shown() -> tuple[dict[str, str], dict[str, str]]:
        return draw(**{name: slider.value for name, slider in sliders.items()}).bundles()

    def redraw(_: Any) -> None:
        for place, bundle in zip(places, shown(), strict=True):
            place.update(bundle, raw=True)

    box = VBox(list(sliders.values()))
    display(
        {
            WIDGET: {"version_major": 2, "version_minor": 0, "model_id": box.model_id},
            "text/plain": _in_words(ranges),
        },
        raw=True,
    )
    places = [display(bundle, raw=True, display_id=True) for bundle in shown()]
    for slider in sliders.values():
        slider.observe(redraw, names="value")


def _in_words(ranges: dict[str, tuple[int, int, int]]) -> str:
    """What the sliders are, for where there are none."""
    settings = "; ".join(
        f"{name.replace('_', ' ')} {first} ({least} to {greatest})"
        for name, (least, greatest, first) in ranges.items()
    )
    return f"Run this cell in JupyterLab to move: {settings}."
