"""The chapter on sharing: its simulations, its smallest scheduler, and what its recordings show.

How the live experiments behave on this host is in test_resources_experiments.py.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.virtlab.chapters import built_cell
from virtlab import figures, registry
from virtlab.experiments import c06_sharing as lab
from virtlab.measure.folders import data_folder

RECORDINGS = data_folder() / "recordings" / "06-sharing"


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIRTLAB_SOURCE", "recorded")


# --- simulations ----------------------------------------------------------------------------------


def test_balloons_hurt_nobody_until_idle_memory_is_gone() -> None:
    data = lab.ballooning().set_index(["condition", "guests"])
    balloon, swap = data.loc["balloon"], data.loc["host swap alone"]
    assert balloon.loc[8].eq([100, 0, 0, 0]).all(), "the guests fit: nothing is taken"
    assert (balloon["ballooned_mib"] + balloon["swapped_mib"] == swap["swapped_mib"]).all()
    assert (swap["ballooned_mib"] == 0).all(), "without a driver there is no balloon"
    assert swap.loc[9:, "hurt_mib"].is_monotonic_increasing
    assert (swap.loc[9:, "hurt_mib"] > balloon.loc[9:, "hurt_mib"]).all()
    assert balloon.loc[12, "hurt_mib"] == 0 < balloon.loc[16, "hurt_mib"]


def test_the_same_seed_gives_the_same_simulation() -> None:
    assert lab.ballooning(seed=4).equals(lab.ballooning(seed=4))
    assert not lab.ballooning(seed=4).equals(lab.ballooning(seed=5))
    assert lab.gang_scheduling(rounds=2, seed=4).equals(lab.gang_scheduling(rounds=2, seed=4))


def test_virtual_cpus_that_run_together_spin_less() -> None:
    data = lab.gang_scheduling(cpus=(1, 4, 8), rounds=5)
    spun = data.groupby(["condition", "cpus"])["spun"].median().unstack()
    assert (spun[1] == 0).all(), "one virtual CPU has nobody to wait for"
    assert (spun.loc["turns apart", [4, 8]] > spun.loc["turns together", [4, 8]]).all()
    assert spun.loc["turns apart", 8] > spun.loc["turns apart", 4]


@pytest.mark.usefixtures("recorded")
def test_a_simulation_is_one_on_every_host() -> None:
    for exp in (lab.ballooning, lab.gang_scheduling):
        assert registry.run(exp).source == "simulated"


# --- recordings -----------------------------------------------------------------------------------


def test_recordings_are_small() -> None:
    assert sum(path.stat().st_size for path in RECORDINGS.iterdir()) < 250_000


def test_recordings_were_made_with_the_parameters_of_today() -> None:
    for exp in registry.load("06-sharing").values():
        if exp.simulated:
            continue
        notes = json.loads((RECORDINGS / f"{exp.name}.json").read_text())["provenance"]
        assert notes["parameters"].items() >= registry._plain(exp.recorded_with).items(), exp.name


@pytest.mark.usefixtures("recorded")
def test_the_recordings_carry_the_chapter() -> None:
    """What the chapter's compared cells say holds in what they fall back to."""
    shares = registry.run(lab.share_against_weight).data
    off = (shares["share"] - shares["expected"]).abs()
    assert off.groupby(shares["condition"]).median().max() < 0.05
    caps = registry.run(lab.throttling).data.groupby("condition")
    assert caps["throttled"].median()["no cap"] == 0 < caps["throttled"].median()["25 % of 100 ms"]
    p99 = caps["response_ms"].quantile(0.99)
    assert p99["25 % of 100 ms"] > 2 * p99["no cap"]
    crowd = registry.run(lab.overcommit).data.groupby("tenants")[["response_ms", "waited"]].median()
    grown = crowd.loc[3] / crowd.loc[1]
    assert grown["waited"] > grown["response_ms"] > 1
    noise = registry.run(lab.noisy_neighbours)
    for neighbour in lab.STRESSORS:
        assert noise.ratio(neighbour, "alone", "response_ms")[0].low > 1, neighbour
    assert noise.ratio("fork, limited", "fork", "response_ms")[0].high < 0.5


@pytest.mark.usefixtures("recorded")
@pytest.mark.parametrize("limit", list(lab.LIMITS))
def test_every_recorded_limit_has_its_control(limit: str) -> None:
    data = registry.run(lab.limits).data
    got = data[data["limit"] == limit].groupby("limited")["got"].median()
    assert got[True] < got[False]


# --- figures --------------------------------------------------------------------------------------


@pytest.mark.usefixtures("recorded")
@pytest.mark.parametrize("name", ["share", "timeline", "caps", "limits", "pages", "crowd", "noise"])
def test_figures_of_the_chapter_say_what_they_show(name: str) -> None:
    shown = {
        "share": lambda: figures.share_against_weight(registry.run(lab.share_against_weight)),
        "timeline": lambda: figures.timeline(registry.run(lab.weights_and_caps)),
        "caps": lambda: figures.distribution(registry.run(lab.throttling), "response_ms", "ms"),
        "limits": lambda: figures.limits(registry.run(lab.limits)),
        "pages": lambda: figures.page_sharing(registry.run(lab.page_sharing)),
        "crowd": lambda: figures.overcommit(registry.run(lab.overcommit)),
        "noise": lambda: figures.slowdown(registry.run(lab.noisy_neighbours)),
    }[name]()
    assert len(shown.png()) <= figures.MOST_BYTES
    assert not re.search(r"\bnan\b|unknown", shown.sentence)
    assert len(shown.table) > 1


# --- a smaller cost of measuring ------------------------------------------------------------------


@pytest.mark.system
@pytest.mark.serial
def test_requests_come_at_the_same_moments_under_every_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    if why := lab.throttling.missing():
        pytest.skip(why)
    seeds: dict[int, int] = {}
    inner = lab.Tenants

    def watched(tasks: list[dict[str, Any]], **settings: Any) -> Any:
        seeds[tasks[0]["seed"]] = seeds.get(tasks[0]["seed"], 0) + 1
        return inner(tasks, **settings)

    monkeypatch.setattr(lab, "Tenants", watched)
    lab.throttling(caps=((0.5, 20.0),), rounds=2, seconds=0.1, seed=7)
    assert seeds == {8: 2, 9: 2}


# --- the smallest scheduler -----------------------------------------------------------------------


@pytest.fixture
def smallest() -> dict[str, Any]:
    """What the chapter's own scheduler defines."""
    names: dict[str, Any] = {}
    exec(built_cell(lab.CHAPTER), names)
    return names


def test_the_smallest_scheduler_shares_by_weight(smallest: dict[str, Any]) -> None:
    tenant, schedule = smallest["Tenant"], smallest["schedule"]
    history = schedule([tenant("a", 1), tenant("b", 2), tenant("c", 4)], 7_000)
    for name, expected in (("a", 1_000), ("b", 2_000), ("c", 4_000)):
        assert abs(history.count(name) - expected) <= 2
    assert schedule([tenant("a", 1, nap=range(2, 4))], 5) == ["a", "a", "-", "-", "a"]


def test_a_nap_pays_until_it_is_mended(smallest: dict[str, Any]) -> None:
    tenant, schedule = smallest["Tenant"], smallest["schedule"]

    def history() -> str:
        return "".join(schedule([tenant("a", 1), tenant("b", 1, nap=range(100, 400))], 1_000)[400:])

    assert "b" * 300 in history(), "the bug that the chapter lets students find"

    def wake(sleeper: Any, others: list[Any]) -> None:  # the chapter's answer
        least = min((one.virtual for one in others), default=0)
        sleeper.virtual = max(sleeper.virtual, least)

    smallest["wake"] = wake
    assert "bbb" not in history()
    assert "aaa" not in history()


@pytest.mark.usefixtures("recorded")
def test_a_slowdown_from_one_round_has_no_interval() -> None:
    noise = registry.run(lab.noisy_neighbours)
    once = registry.Measurement(
        noise.data[noise.data["round"] == 0], noise.source, "", noise.provenance, noise.experiment
    )
    table = figures.slowdown(once).table
    assert table["times"].notna().all()
    assert table[["low", "high"]].isna().all(axis=None)
    assert "∞" not in str(figures.slowdown(once))
