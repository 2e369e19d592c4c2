"""The experiments of chapter 14, and what they are made of."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from pathlib import Path

import pandas as pd
import pytest

from virtlab import host, leftovers, registry
from virtlab.experiments import c14_os_level as lab
from virtlab.experiments.programs import prisoner
from virtlab.models.quota import finish_time
from virtlab.runtimes import RUNTIMES, RuntimeFailed
from virtlab.runtimes.base import is_root
from virtlab.runtimes.fleet import Fleet
from virtlab.runtimes.launcher import close_warm_launcher

LAST_LEVEL_OF = {
    "file": "process",
    "climb": "chroot",
    "kill": "mount namespace",
    "memory": "PID namespace",
    "service": "UTS and IPC namespaces",
    "unlock": "cgroup namespace",
}


def own_things() -> set[str]:
    """The folders and control groups of this process, the warm launcher's aside."""
    close_warm_launcher()
    places = (Path(tempfile.gettempdir()).glob("*"), Path("/sys/fs/cgroup").rglob("virtlab-*"))
    names = {path.name for found in places for path in found}
    return {name for name in names if name.startswith(f"{leftovers.owned_name()}-")}


def need(*names: str) -> None:
    for name in names:
        if not (capability := host.probe(name)):
            pytest.skip(f"{name}: {capability.why}")


# --- the prisoner ---------------------------------------------------------------------------------


@pytest.mark.system
def test_each_level_stops_the_attack_that_broke_the_one_before() -> None:
    need("namespaces")
    before = own_things()
    data = lab.levels().set_index("condition")
    assert own_things() == before
    assert data["own"].eq(prisoner.THROUGH).all(), "the weapon is broken"
    for attack, last in LAST_LEVEL_OF.items():
        through = data[attack].eq(prisoner.THROUGH)
        place = list(data.index).index(last)
        assert list(through) == [number <= place for number in range(len(data))], attack
        assert attack in data["newly_stopped"].iloc[place + 1]
    end = data.loc[prisoner.FILTERED].to_dict()
    assert {end[attack] for attack in prisoner.ATTACKS if attack != "own"} == {prisoner.STOPPED}


@pytest.mark.system
def test_the_filter_stops_what_no_capabilities_does_not() -> None:
    need("namespaces", "user namespace")
    nest = lab.levels().set_index("condition")["nest"]
    assert nest["no capabilities"] == prisoner.THROUGH
    assert nest[prisoner.FILTERED] == prisoner.STOPPED


@pytest.mark.system
def test_behind_a_user_namespace_powers_over_the_host_are_gone() -> None:
    need("namespaces", "user namespace")
    if not is_root():
        with pytest.raises(registry.CannotMeasure, match="root"):
            lab.powers()
        return
    data = lab.powers().set_index("condition")[list(prisoner.POWERS)] == prisoner.THROUGH
    assert data.loc["all powers, user namespace", ["chroot", "mount"]].all()
    assert not data.loc["all powers, user namespace", ["device", "swap"]].any()
    assert not data.loc["no powers"].any()
    assert data.loc["all powers", ["chroot", "mount"]].all()


def test_what_an_attack_says_is_not_believed() -> None:
    assert prisoner.seen(prisoner.THROUGH, happened=False).startswith(prisoner.STOPPED)
    assert prisoner.seen(f"{prisoner.STOPPED}: x", happened=True) == prisoner.THROUGH
    assert prisoner.seen(f"{prisoner.STOPPED}: x", happened=False) == f"{prisoner.STOPPED}: x"


def test_an_attack_that_dies_is_stopped() -> None:
    target = prisoner.Target(Path("/nowhere"), "", 0, 0, 0)

    def dies(_: prisoner.Target) -> bool:
        os.kill(os.getpid(), signal.SIGKILL)
        return True

    assert prisoner.tried(dies, target) == f"{prisoner.STOPPED}: it died"
    assert prisoner.tried(prisoner.read_by_name, target).startswith(f"{prisoner.STOPPED}: No such")
    assert prisoner.tried(lambda _: True, target) == prisoner.THROUGH


# --- replicas -------------------------------------------------------------------------------------


def test_a_fleet_knows_who_runs() -> None:
    runtime = RUNTIMES["posix_spawn"]
    if not (available := runtime.available()):
        pytest.skip(available.why)
    with Fleet(runtime) as fleet:
        fleet.start("a", "web:1")
        fleet.start("b", "web:2")
        assert fleet.running() == {"a": "web:1", "b": "web:2"}
        with pytest.raises(RuntimeFailed, match="runs already"):
            fleet.start("a")
        fleet.kill("a")
        assert fleet.running() == {"b": "web:2"}
        fleet.start("a", "web:3")  # a dead one's name is free
        fleet.stop("b")
        fleet.stop("b")
        assert fleet.running() == {"a": "web:3"}
        pid = fleet._held["a"][0].pid
    deadline = time.monotonic() + 5
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < deadline, "it outlived its fleet"
        time.sleep(0.01)


@pytest.mark.system
def test_a_loop_keeps_what_is_wanted_and_nothing_else_does() -> None:
    need("namespaces")
    data = lab.self_healing(rounds=2)
    watched = data[data["condition"] == "with a reconcile loop"]
    alone = data[data["condition"] == "left alone"]
    assert (watched["running"] == watched["desired"]).all()
    assert set(watched["desired"]) == {3, 5}
    assert watched["crashed"].sum() > 0
    assert (watched["started"] == watched["desired"] - watched["found"]).all()
    # The control: without the loop each crash is for good.
    for _, one in alone.groupby("round"):
        assert list(one["running"]) == list(3 - one["crashed"].cumsum())


# --- crowds and quotas ----------------------------------------------------------------------------


@pytest.mark.system
@pytest.mark.serial
def test_a_crowd_grows_and_a_container_weighs_more_than_a_process() -> None:
    need("namespaces")
    before = own_things()
    data = lab.crowd(rounds=1)
    assert own_things() == before
    for name, own in data.groupby("condition"):
        assert list(own["running"]) == list(range(1, lab.CROWD[str(name)] + 1))
        assert own["total_mib"].dropna().is_monotonic_increasing
        assert (own["up_to"] >= own["running"]).all()
    more = lab.one_more(data)["more_kib"]
    assert more["namespaces"] > more["posix_spawn"] > 0
    if "qemu-tcg" in more:
        assert more["qemu-tcg"] > more["namespaces"]


def test_one_more_is_what_the_crowd_adds() -> None:
    crowd = pd.DataFrame(
        [
            {"condition": "vm", "round": turn, "running": n, "per_s": 2.0, "total_mib": weight}
            for turn in (0, 1)
            for n, weight in ((1, 32.0), (2, None), (3, 64.0))
        ]
    )
    row = lab.one_more(crowd, room_mib=100).loc["vm"]
    assert list(row) == [32 * 1024, 16 * 1024, 5, 2.0]  # 32 + 4 · 16 = 96


@pytest.mark.system
@pytest.mark.serial
def test_a_quota_makes_work_wait() -> None:
    need("cgroup controllers", "two cores")
    data = lab.quota(rounds=2)
    best = data.groupby("condition")["finish_ms"].min()
    # Periods do not begin with the work: up to one of them may differ.
    for name, model in data.groupby("condition")["model_ms"].first().items():
        assert best[str(name)] > model - lab.PERIOD_MS, name
    assert best["quota 60, 1 worker"] > 1.2 * best["no quota, 1 worker"]
    assert best["quota 60, 2 workers"] > 2 * lab.PERIOD_MS


def test_the_model_beside_the_quota() -> None:
    assert finish_time(240, 60, 100, 1) == 360
    assert finish_time(240, 60, 100, 2) == 330
    assert finish_time(240, 150, 100, 1) == 240
    assert finish_time(240, 150, 100, 2) == 145


@pytest.mark.system
def test_every_container_of_a_count_does_the_job() -> None:
    need("namespaces")
    data = lab.capacity(rounds=1)
    assert {1, 2, 4, 8} <= set(data["containers"])
    assert (data["jobs_per_s"] > 0).all()


def test_limits_are_told_or_missing() -> None:
    data = lab.host_limits().set_index("condition")["limit"]
    assert data["MiB of memory"] > 0
    assert (data.dropna() > 0).all()
