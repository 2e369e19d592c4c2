"""The experiments of chapter 18, and the virtual networks that they are made of."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from virtlab import host, leftovers, registry, syscalls
from virtlab.experiments import c18_network as lab
from virtlab.experiments.running import PROGRAMS, run_program
from virtlab.machines.network import decapsulate
from virtlab.registry import CannotMeasure

STRANGERS = {"stranger: red 1", "stranger: red 2", "stranger: blue 1", "stranger: blue 3"}


def need(*names: str) -> None:
    for name in names:
        if not (capability := host.probe(name)):
            pytest.skip(f"{name}: {capability.why}")


def network_of(process: Path) -> str:
    """The network namespace that a process is in; empty if it is no more."""
    try:
        return str((process / "ns/net").readlink())
    except OSError:
        return ""


def our_cards() -> set[str]:
    """Cards in the network of this process that an experiment of the chapter could have made."""
    names = {card.name for card in Path("/sys/class/net").iterdir()}
    return names & {"wire", "br100", "br200", "vx100", "vx200", "red1", "blue1", "br1", "vx1", "t1"}


@pytest.mark.system
def test_on_one_switch_strangers_answer_and_on_two_none_does() -> None:
    need("veth", "bridge", "vxlan")
    data = lab.tenants().set_index("condition")
    assert not our_cards()
    control = data.loc["one switch for all: red 2 calls"]
    assert control["at_3"] == "stranger: blue 3", "the positive control"
    assert data.loc["one switch for all: blue 3 calls", "at_2"] == "stranger: red 2"
    for network in ("a switch each", "an overlay each"):
        red, blue = data.loc[f"{network}: red 2 calls"], data.loc[f"{network}: blue 3 calls"]
        assert list(red) == ["red 1", "itself", "nobody"]
        assert list(blue) == ["blue 1", "nobody", "itself"]
    assert set(lab.STRANGERS) == STRANGERS


@pytest.mark.system
def test_our_switch_does_what_the_kernels_bridge_does() -> None:
    need("veth", "bridge")
    data = lab.switch()
    assert list(data["kernel"]) == list(data["ours"])
    assert {"none", "1 and 2", "2 and 3"} <= set(data["kernel"])


@pytest.mark.system
def test_captured_vxlan_frames_are_what_we_take_them_for() -> None:
    need("veth", "bridge", "vxlan")
    data = lab.header()
    assert data["same"].all()
    assert data["added"].eq(50).all()
    assert list(data["condition"]) == [f"VNI {vni}" for vni in data["found_vni"]]
    for row in data.to_dict("records"):
        wire = bytes.fromhex(row["wire"])
        assert decapsulate(wire) == (row["found_vni"], bytes.fromhex(row["sent"]))
        assert wire[42:50] == bytes([8, 0, 0, 0, *row["found_vni"].to_bytes(3, "big"), 0])


@pytest.mark.system
def test_what_an_overlay_adds_is_missing_inside() -> None:
    need("veth", "bridge", "vxlan")
    data = lab.room().set_index(["overlay_mtu", "packet_bytes"])["arrived"]
    assert data[1450, 1450]
    assert not data[1450, 1451]
    assert not data[1450, 1500]
    assert data[1500, 1450]


@pytest.mark.system
def test_only_the_underlay_can_forge_and_an_address_is_no_proof() -> None:
    need("veth", "bridge", "vxlan")
    data = lab.forge().set_index("condition")
    through = data == lab.THROUGH
    assert through.loc["red 1, a member (control)"].all()
    assert not through.loc["blue, a tenant beside it"].any()
    assert not through.loc["blue, with a VXLAN header of its own"].any()
    assert not through.loc["underlay, a plain packet"].any()
    assert not through.loc["underlay, wrong network number"].any()
    assert list(through.loc["underlay, right number"]) == [True, False]
    assert list(through.loc["underlay, right number, borrowed address"]) == [True, True]


@pytest.mark.system
def test_a_nat_hides_but_does_not_guard() -> None:
    need("veth", "bridge")
    try:
        data = lab.nat()
    except CannotMeasure as error:
        pytest.skip(str(error))
    first, second = data["seen_as"][:2]
    assert first.startswith("198.51.100.1:")
    assert second.startswith("198.51.100.1:")
    assert first != second
    outcomes = list(data["outcome"] == lab.THROUGH)
    assert outcomes == [True, True, True, True, False, True]


@pytest.mark.system
@pytest.mark.serial
def test_a_longer_path_costs_more() -> None:
    need("veth", "bridge", "vxlan")
    data = lab.hops(rounds=8)
    assert tuple(lab.medians(data, "round_trip_us").index) == lab.PATHS
    assert data["arrived"].median() == 1
    fastest = data.groupby("condition")["round_trip_us"].min()
    assert fastest["loopback"] < fastest["bridge"] < fastest["VXLAN"]
    assert fastest["veth"] < fastest["VXLAN"]


@pytest.mark.system
@pytest.mark.serial
def test_offloads_make_packets_that_no_wire_could_carry() -> None:
    need("veth", "bridge", "vxlan")
    data = lab.bulk(rounds=1)
    sizes = lab.medians(data, "bytes_per_packet")
    for name in ("veth", "bridge", "VXLAN"):
        assert sizes[f"{name}, offloaded packets"] > 5 * sizes[f"{name}, real packets"]
        assert sizes[f"{name}, real packets"] <= 1514
    assert data["mib_per_s"].gt(0).all()


@pytest.mark.system
@pytest.mark.serial
def test_a_shaper_gives_each_tenant_its_part_though_their_addresses_are_equal() -> None:
    need("veth", "bridge", "vxlan")
    rows = lab.shares(rounds=2).to_dict("records")

    def rates(condition: str) -> list[tuple[float, float]]:
        mine = [row for row in rows if row["condition"] == condition]
        return [(row["red_mbit_per_s"], row["blue_mbit_per_s"]) for row in mine]

    # One stream may be held up by whatever else runs; a rule that does nothing fails every time.
    assert any(20 < red < 34 and 6 < blue < 14 for red, blue in rates("30 and 10 of 40, both"))
    assert any(25 < blue < 42 for _, blue in rates("30 and 10 of 40, blue alone"))
    assert any(20 < red + blue < 44 for red, blue in rates("40 for all, both"))
    assert all(red + blue < 60 for red, blue in rates("40 for all, both"))


@pytest.mark.system
def test_many_networks_on_one_wire_keep_their_addresses_apart() -> None:
    need("veth", "bridge", "vxlan")
    data = lab.growth(networks=6)
    assert list(data["networks"]) == [1, 2, 3, 4, 5, 6]
    assert data["right"].all()
    assert data[["network_ms", "machines_ms"]].gt(0).all(axis=None)
    assert data["ms"].ge(data["network_ms"]).all()


@pytest.mark.system
def test_a_killed_program_leaves_no_network_behind() -> None:
    need("veth", "bridge", "vxlan")
    settings = json.dumps({"networks": 2000})
    with subprocess.Popen(
        [sys.executable, "-I", str(PROGRAMS / "networks.py"), "growth", settings],
        env={**os.environ, leftovers.OWNER_VARIABLE: leftovers.owner_mark()},
        stdout=subprocess.DEVNULL,
    ) as process:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1.5)
        its_own = network_of(Path(f"/proc/{process.pid}"))
        process.kill()
    assert its_own not in ("", network_of(Path("/proc/self")))
    assert its_own not in {network_of(other) for other in Path("/proc").glob("[0-9]*")}
    assert not our_cards()


def test_a_scenario_that_fails_says_why() -> None:
    with pytest.raises(CannotMeasure, match="nonsense"):
        run_program("networks.py", "nonsense", "{}", packages=True)


def test_without_root_and_namespaces_the_recordings_are_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VIRTLAB_SOURCE", "recorded")
    for exp in registry.load(lab.CHAPTER).values():
        measured = registry.run(exp)
        assert measured.source == "recorded"
        assert isinstance(measured.data, pd.DataFrame)
        assert len(measured.data)


def test_setns_refuses_what_is_no_namespace() -> None:
    with Path(os.devnull).open() as nothing, pytest.raises(OSError, match="setns"):
        syscalls.setns(nothing.fileno(), syscalls.CLONE_NEWNET)
