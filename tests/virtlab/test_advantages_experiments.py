"""The experiments of chapter 21: consolidation as models, and what this machine says."""

from __future__ import annotations

import itertools
import math
import random
import subprocess
import tempfile
from pathlib import Path

import pandas as pd
import pytest

from virtlab import host, leftovers, registry
from virtlab.experiments import c21_advantages as lab
from virtlab.experiments.programs import bookkeeper
from virtlab.host import find_tool
from virtlab.models.demand import daily_demand
from virtlab.registry import CannotMeasure
from virtlab.runtimes.launcher import close_warm_launcher


def measured(data: pd.DataFrame, experiment: registry.Experiment) -> registry.Measurement:
    data = data.assign(source="live", reason="")
    return registry.Measurement(data, "live", "", {"failed": {}}, experiment)


def own_folders() -> set[str]:
    close_warm_launcher()
    return {path.name for path in Path(tempfile.gettempdir()).glob(f"{leftovers.owned_name()}-*")}


# --- packing --------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", lab.RULES)
def test_every_machine_is_packed_once_and_never_beats_the_bound(rule: str) -> None:
    demand = daily_demand(30, 7, lab.SAMPLES, peak_spread=3.0)
    servers = lab.packed(demand, rule)
    assert sorted(i for each in servers for i in each) == list(range(30))
    assert len(servers) >= lab._bound(demand, rule)
    assert lab.packed([], rule) == []


def test_only_averages_overload_and_only_hours_gain_from_peaks_apart() -> None:
    data = lab.packing(machines=40, days=4)
    middle = data.groupby(["rule", "world"])[["servers", "utilization", "worst"]].median()
    overloaded = data.groupby("rule")["overloaded"].max()
    assert overloaded["by averages"] > 10
    assert overloaded.drop("by averages").max() == 0
    assert (data["servers"] >= data["bound"]).all()
    servers = middle["servers"].unstack("world")
    assert servers.loc["by the hour", "peaks apart"] < servers.loc["by the hour", "peaks together"]
    for world in lab.WORLDS:
        ordered = [servers.loc[rule, world] for rule in ("by averages", "by the hour", "by peaks")]
        assert ordered == sorted(ordered)
        assert ordered[-1] < servers.loc["a server each", world] == 40


def test_the_busiest_server_is_asked_too_much_only_if_packed_by_averages() -> None:
    worst = lab.busiest_server().groupby("condition")["asked"].max()
    assert worst["by averages"] > 100
    assert worst.drop("by averages").max() <= 100


# --- power and cost -------------------------------------------------------------------------------


def test_energy_is_saved_by_switching_off_and_by_nothing_else() -> None:
    wide = lab.power().pivot(index="idle_percent", columns="condition", values="saved")
    assert wide["packed, the others off"].is_monotonic_increasing
    assert wide.loc[0.0, "packed, the others off"] == pytest.approx(-5)  # the extra load alone
    assert (wide["packed, the others left on"] < 0).all()
    assert wide.loc[50.0, "packed, the others off"] > 50


def test_larger_fleets_pay_back_sooner_and_dear_licences_never() -> None:
    months = lab.cost()["break_even_months"]
    assert months.is_monotonic_decreasing
    assert lab.cost(licence_month=3000)["break_even_months"].map(math.isinf).all()
    dearer = lab.cost(storage_price=60_000)["break_even_months"]
    assert (dearer > months).all()
    with pytest.raises(ValueError, match="no such assumption: price"):
        lab.cost(price=3)


# --- restore --------------------------------------------------------------------------------------


def test_a_record_that_was_not_completed_does_not_count(tmp_path: Path) -> None:
    whole = bookkeeper.record_line(1) + bookkeeper.record_line(2)
    (tmp_path / "000001.log").write_bytes(whole + bookkeeper.record_line(3)[:-4])
    (tmp_path / "000002.log").write_bytes(bookkeeper.record_line(4).replace(b"4", b"5", 1))
    assert bookkeeper.numbers_in(tmp_path) == [1, 2]


def test_after_a_roll_older_files_do_not_change(tmp_path: Path) -> None:
    book = bookkeeper.Book(tmp_path)
    book.put(1)
    book.roll()
    before = (tmp_path / "000001.log").read_bytes()
    book.put(2)
    assert (tmp_path / "000001.log").read_bytes() == before
    assert bookkeeper.numbers_in(tmp_path) == [1, 2]
    book.erase()
    book.put(3)
    assert bookkeeper.numbers_in(tmp_path) == [3]


@pytest.mark.parametrize(
    ("way", "failure", "outcomes"),
    [
        ("start it again", "process killed", {"nothing lost"}),
        ("start it again", "data erased", {"all lost"}),
        ("start it again", "disk lost", {"all lost"}),
        ("snapshot", "data erased", {"some lost", "nothing lost"}),
        ("snapshot", "disk lost", {"all lost"}),
        ("replica at once", "disk lost", {"nothing lost"}),
        ("replica at once", "data erased", {"all lost"}),
        ("replica later", "disk lost", {"some lost", "nothing lost"}),
        ("backup", "disk lost", {"some lost"}),
    ],
)
@pytest.mark.serial
def test_what_each_way_brings_back(way: str, failure: str, outcomes: set[str]) -> None:
    before = own_folders()
    row = lab._life(way, failure, random.Random(3))
    assert own_folders() == before
    assert row["outcome"] in outcomes
    assert 0 <= row["lost"] <= row["acknowledged"]
    assert math.isnan(row["outage_ms"]) == ("all lost" in outcomes)
    if way in ("snapshot", "backup") and row["lost"] and row["outcome"] != "all lost":
        # What came back is older than the moment of the snapshot, by one record's time at most.
        assert 0 <= row["loss_ms"] - row["point_ms"] < 200


def test_the_worst_outcome_stands_in_the_grid() -> None:
    rows = [
        {"condition": f"{way} | {failure}", "outcome": outcome}
        for way in lab.WAYS
        for failure in lab.FAILURES
        for outcome in ("nothing lost", "some lost")
    ]
    grid = lab.outcomes(measured(pd.DataFrame(rows), lab.recovery)).data
    assert list(grid["condition"]) == list(lab.WAYS)
    assert set(grid[list(lab.FAILURES)].to_numpy().ravel()) == {"some lost"}


# --- processors -----------------------------------------------------------------------------------


def test_levels_are_nested_and_need_all_of_their_features() -> None:
    for lower, upper in itertools.pairwise(lab.LEVELS):
        assert lab.LEVELS[lower] < lab.LEVELS[upper]
        assert lab.level(lab.LEVELS[upper] | {"hle"}) == upper
        for feature in lab.LEVELS[upper] - lab.LEVELS[lower]:
            assert lab.level(lab.LEVELS[upper] - {feature}) == lower
    assert lab.level({"sse"}) == "none"


@pytest.mark.system
def test_the_rule_of_sets_says_what_qemu_says() -> None:
    if find_tool("qemu-system-x86_64") is None:
        pytest.skip("no qemu-system-x86_64")
    data = lab.processors().set_index("condition")
    models = data.loc[[name for name in lab.MODELS if name in data.index]]
    assert len(models) > 5
    assert (models["missing"].eq(0) == models["starts"].eq(1)).all()
    assert data.loc["Haswell", "level"] == "v3"
    assert data.loc["Nehalem", "level"] == "v2"


def test_a_guest_moves_where_all_that_it_was_made_for_is() -> None:
    rows = [("old", "sse sse2"), ("new", "sse sse2 avx"), ("other", "sse sse2 sse4a")]
    data = pd.DataFrame(rows, columns=["condition", "features"])
    table = lab.moves(measured(data, lab.processors), ["old", "new", "other"]).data
    table = table.set_index("condition")
    assert list(table.loc["made for old", ["old", "new", "other"]]) == ["can move"] * 3
    assert table.loc["made for new", "other"] == "lacks 1"
    assert table.loc["made for other", "new"] == "lacks 1"


def test_without_qemu_the_recording_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab, "find_tool", lambda name: None)
    with pytest.raises(CannotMeasure, match="apt-get install qemu-system-x86"):
        lab.processors()


# --- deployment -----------------------------------------------------------------------------------


@pytest.mark.system
def test_an_image_replies_where_the_source_cannot_be_built() -> None:
    if not (capability := host.probe(host.namespaces)):
        pytest.skip(f"namespaces: {capability.why}")
    try:
        before = own_folders()
        data = lab.deployment(rounds=1).set_index("condition")
    except CannotMeasure as error:
        pytest.skip(str(error))
    assert own_folders() == before
    assert data.attrs["failed"] == {}
    source, bare, image, shared = (data.loc[route] for route in lab.ROUTES)
    assert {source["reply"], image["reply"], shared["reply"]} == {lab.REPLY}
    assert bare["done"] == 0
    assert "cc" in bare["reply"]
    assert image["commands"] < source["commands"]
    assert source["fetched_kib"] < shared["fetched_kib"] < image["fetched_kib"]


def test_a_failed_command_says_why() -> None:
    assert lab._fails(["sh", "-c", "exit 0"], Path()) == ""
    assert lab._fails(["sh", "-c", "echo no such thing >&2; exit 3"], Path()) == "no such thing"
    assert lab._fails(["sh", "-c", "exit 3"], Path()) == "status 3"
    with pytest.raises((OSError, subprocess.SubprocessError)):
        lab._fails(["no-such-program-anywhere"], Path())
