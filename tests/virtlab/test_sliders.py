"""Sliders draw the figure again; where no widget runs, the figure of the first settings stands."""

from __future__ import annotations

import re
from typing import Any

import ipywidgets
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from virtlab import figures, sliders
from virtlab.figures.models import MACHINES_GIB, MOST_ROUNDS


class Notebook:
    """What a notebook's front end would show: outputs in order, and those with a name by it."""

    def __init__(self) -> None:
        self.outputs: list[dict[str, str]] = []

    def display(self, bundle: dict[str, str], raw: bool, display_id: bool = False) -> Any:
        assert raw
        place = len(self.outputs)
        self.outputs.append(bundle)
        return type("Handle", (), {"update": lambda _, new, raw: self.put(place, new)})()

    def put(self, place: int, bundle: dict[str, str]) -> None:
        self.outputs[place] = bundle


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> Notebook:
    shown = Notebook()
    monkeypatch.setattr("IPython.display.display", shown.display)
    return shown


def controls_of(notebook: Notebook) -> dict[str, ipywidgets.IntSlider]:
    """The sliders of the first output, by their labels."""
    view = notebook.outputs[0][sliders.WIDGET]
    box = ipywidgets.Widget.get_manager_state()["state"][view["model_id"]]["state"]  # type: ignore[index]
    found = (
        ipywidgets.widgets.widget._instances[name.removeprefix("IPY_MODEL_")]
        for name in box["children"]
    )
    return {slider.description: slider for slider in found}


def test_a_slider_draws_again(notebook: Notebook) -> None:
    sliders.explore(
        figures.one_core, weight_of_A=(1, 8, 2), A_wants=(0, 100, 30), B_wants=(0, 100, 60)
    )
    _, picture, words = notebook.outputs
    assert "30" in words["text/plain"]
    controls_of(notebook)["A wants"].value = 100
    assert len(notebook.outputs) == 3, "it is drawn in place, not once more"
    assert notebook.outputs[1]["image/png"] != picture["image/png"]
    assert "By weight A, B and C get 50.0, 25.0 and 25.0 %" in notebook.outputs[2]["text/plain"]


def test_without_widgets_the_figure_stands_and_says_what_could_be_moved(notebook: Notebook) -> None:
    sliders.explore(figures.copy_rounds, writes_MiB_a_second=(0, 200, 70),
                    link_MiB_a_second=(10, 200, 100), writes_to_MiB=(1, 1024, 1024))  # fmt: skip
    controls, picture, words = notebook.outputs
    assert controls["text/plain"] == (
        "Run this cell in JupyterLab to move: writes MiB a second 70 (0 to 200); "
        "link MiB a second 100 (10 to 200); writes to MiB 1024 (1 to 1024)."
    )
    assert picture["image/png"]
    assert "stands still" in words["text/plain"]


@pytest.mark.parametrize("bad", [(1, 1, 1), (5, 1, 3), (0, 10, 11)])
def test_a_range_without_room_is_refused(notebook: Notebook, bad: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="byte: needs"):
        sliders.explore(figures.table_walk, byte=bad)
    assert notebook.outputs == []


def is_a_figure(shown: figures.Shown) -> None:
    assert len(shown.png()) <= figures.MOST_BYTES
    assert isinstance(shown.table, pd.DataFrame)
    assert not re.search(r"nan|inf", shown.sentence)


@settings(max_examples=6, deadline=None)
@given(st.integers(1, 8), st.integers(0, 100), st.integers(0, 100))
def test_one_core_is_never_given_out_twice(weight: int, first: int, second: int) -> None:
    shown = figures.one_core(weight, first, second)
    is_a_figure(shown)
    for way in ("gets by weight", "gets by cap"):
        assert shown.table[way].sum() < 100 + 1e-9
        assert (shown.table[way] <= shown.table["wants"] + 1e-9).all()


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 200), st.integers(10, 200), st.integers(1, 1024))
def test_copy_rounds_send_all_memory_first(writes: int, link: int, again: int) -> None:
    shown = figures.copy_rounds(writes, link, again)
    is_a_figure(shown)
    sent = shown.table["sent_MiB"]
    assert sent.iloc[0] == 1024
    assert (sent.iloc[1:] <= again + 1e-6).all()
    assert 2 <= len(sent) <= MOST_ROUNDS + 1


@settings(max_examples=6, deadline=None)
@given(st.tuples(st.integers(0, 255), *[st.integers(0, 511)] * 3, st.integers(0, 4095)))
def test_table_walk_adds_up_to_the_address(chosen: tuple[int, ...]) -> None:
    shown = figures.table_walk(*chosen)
    is_a_figure(shown)
    address = sum(int(part, 16) for part in shown.table["adds"])
    assert f"{address:#x} is" in shown.sentence
    assert [address >> shift & 511 for shift in (39, 30, 21, 12)] == list(chosen[:4])


@settings(max_examples=6, deadline=None)
@given(st.integers(12, 64), st.integers(0, 16))
def test_packed_hosts_hold_each_machine_once(size: int, free: int) -> None:
    shown = figures.packed_hosts(size, free)
    is_a_figure(shown)
    held = ", ".join(shown.table["machines_GiB"]).split(", ")
    assert sorted(map(int, held)) == sorted(MACHINES_GIB)
    assert (shown.table["free_GiB"] >= 0).all()
