"""The experiments of chapter 07, the pool that they use, and the chapter's own code."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import psutil
import pytest

from tests.virtlab.chapters import built_cell
from virtlab import figures, host, leftovers, registry
from virtlab.experiments import c07_aggregation as lab
from virtlab.experiments import pool as pools
from virtlab.experiments import pool_tasks
from virtlab.models.demand import daily_requests
from virtlab.models.placement import Request, serve
from virtlab.registry import CannotMeasure, Measurement


@pytest.fixture(autouse=True)
def loopback() -> None:
    capability = host.probe("loopback")
    if not capability:
        pytest.skip(f"{capability.name}: {capability.why}")


def gone(pid: int) -> bool:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False


# --- the pool -------------------------------------------------------------------------------------


def test_a_pool_is_processes_and_leaves_nothing() -> None:
    with pools.pool(2) as pool:
        told = pool.client.run(pool_tasks.who)
        assert {one["pid"] for one in told.values()} == set(pool.pids.values())
        assert list(pool.pids) == ["server-1", "server-2"]
        assert len({os.getpid(), pool.scheduler, *pool.pids.values()}) == 4
        assert pool.folder.is_dir()
        pids = [pool.scheduler, *pool.pids.values()]
    assert all(gone(pid) for pid in pids)
    assert not pool.folder.exists()


def test_a_pool_is_gone_after_an_exception() -> None:
    pids: list[int] = []

    def break_off() -> None:
        with pools.pool(1) as pool:
            pids.extend([pool.scheduler, *pool.pids.values()])
            raise KeyError("in the block")

    with pytest.raises(KeyError):
        break_off()
    assert len(pids) == 2
    assert all(gone(pid) for pid in pids)


def test_a_pool_dies_with_a_killed_kernel() -> None:
    program = (
        "import os, signal\nfrom virtlab.experiments.pool import pool\n"
        "with pool(1) as made:\n"
        "    print(made.scheduler, *made.pids.values(), flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == -signal.SIGKILL
    pids = [int(word) for word in run.stdout.split()]
    assert len(pids) == 2
    assert all(gone(pid) for pid in pids)
    leftovers.clean()  # its folder


def test_a_pool_that_does_not_start_says_why_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "keeper.py"
    broken.write_text("raise SystemExit('no such luck')\n")
    monkeypatch.setattr(pools, "KEEPER", broken)
    with pytest.raises(CannotMeasure, match="no such luck") as failure, pools.pool(1):
        pass
    assert "\n" not in str(failure.value)


def test_where_no_pool_starts_the_recording_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "keeper.py"
    broken.write_text("raise SystemExit('no such luck')\n")
    monkeypatch.setattr(pools, "KEEPER", broken)
    monkeypatch.delenv("VIRTLAB_SOURCE", raising=False)
    measured = registry.run(lab.too_big)
    assert measured.source == "recorded"
    assert "no such luck" in measured.reason


# --- experiments ----------------------------------------------------------------------------------


@pytest.mark.system
def test_servers_have_names_of_their_own_on_one_kernel() -> None:
    if why := lab.servers.missing():
        pytest.skip(why)
    rows = lab.servers(count=2)
    assert list(rows["hostname"]) == list(rows["condition"]) == ["server-1", "server-2"]
    assert rows["boot_id"].nunique() == 1
    assert os.uname().nodename not in set(rows["hostname"])


def test_a_block_too_big_for_one_server_is_not_held_unless_it_is_cut() -> None:
    rows = lab.too_big().set_index("condition")
    assert rows.loc["fits one server", "outcome"] == "held"
    assert rows.loc["fits the pool only", "outcome"] == "still waiting"
    assert rows.loc["fits the pool only", "scheduler"] == "no-worker"
    assert rows.loc["the same, scheduler not told", "outcome"].startswith("MemoryError")
    assert rows.loc["the same, cut in four", "outcome"] == "held"
    big = rows.loc["fits the pool only"]
    assert big["server_free_mib"] < big["piece_mib"] <= big["pool_free_mib"]


def test_a_block_is_held_by_the_process_that_filled_it() -> None:
    assert pool_tasks.held(pool_tasks.fill(3)) == (os.getpid(), 3)
    assert pool_tasks.held(bytearray(3 * pool_tasks.MIB)) == (os.getpid(), 0)


def test_a_job_survives_a_server_and_a_state_does_not() -> None:
    rows = lab.server_dies(pieces=16, piece_ms=30).set_index("condition")
    control, death = rows.loc["nobody dies"], rows.loc["one of four dies"]
    assert (control["servers"], death["servers"]) == (4, 3)
    assert control["right"]
    assert death["right"]
    assert control["runs"] == control["pieces"] < death["runs"]
    assert control["counter"] == "counts 4"
    assert death["counter"].startswith("lost")


@pytest.mark.serial
def test_a_neighbours_memory_is_far() -> None:
    data = lab.far_memory(rounds=10, mib=16)
    assert set(data.groupby("condition").size()) == {10}
    us = data.groupby("condition")["us"].median()
    assert us["a neighbour's, 8 bytes"] > 10 * us["its own memory"]
    assert us["a neighbour's, a page"] > 10 * us["its own memory"]


@pytest.mark.serial
def test_more_servers_help_up_to_a_point() -> None:
    if why := lab.faster.missing():
        pytest.skip(why)
    kinds = ("computing", "computing, tiny pieces")
    data = lab.faster(rounds=2, counts=(1, 4), only=kinds)
    assert set(data["condition"]) == set(kinds)
    assert set(data["servers"]) == {1, 4}
    assert (data["ms"] * data["speedup"]).round(6).equals(data["whole_ms"].round(6))
    best = data.groupby(["condition", "servers"])["ms"].min()
    cores = data["cores"].iloc[0]
    assert 0.8 * data["whole_ms"].min() / cores < best["computing", 4] < best["computing", 1]
    assert best["computing, tiny pieces", 4] > best["computing", 4]


@pytest.mark.serial
def test_a_pool_finishes_both_tenants_sooner_than_a_partition() -> None:
    if why := lab.partition_or_pool.missing():
        pytest.skip(why)
    data = lab.partition_or_pool(rounds=2)
    assert (data["both_ms"] == data[["busy_ms", "quiet_ms"]].max(axis=1)).all()
    assert data["utilization"].between(0, 1.02).all()
    used = data.groupby("condition")["utilization"].max()
    assert used["dynamic pool"] > used["static partition"]


# --- simulations ----------------------------------------------------------------------------------


def test_amdahl_bounds_the_simulated_speedups() -> None:
    data = lab.many_servers()
    assert (data["speedup"] <= data["servers"]).all()
    bounded = data[data["serial"] > 0]
    assert (bounded["speedup"] < 1 / bounded["serial"]).all()


def test_a_pool_refuses_fewer_than_a_partition_and_uses_more() -> None:
    data = lab.allocation(loads=(60, 100), days=6)
    refused = data.groupby(["condition", "load"])["refused_percent"].mean()
    used = data.groupby(["condition", "load"])["utilization_percent"].mean()
    for load in (60, 100):
        for peaks in ("apart", "together"):
            ways = f"dynamic, {peaks}", f"static, {peaks}"
            assert refused[ways[0], load] < refused[ways[1], load]
            assert used[ways[0], load] > used[ways[1], load]
    gain = {
        peaks: refused[f"static, {peaks}", 100] - refused[f"dynamic, {peaks}", 100]
        for peaks in ("apart", "together")
    }
    assert gain["apart"] > gain["together"]


def test_a_greedy_tenant_hurts_the_others_most_in_the_pool() -> None:
    data = lab.greedy(days=8)
    lost = data.groupby(["condition", "who"])["refused_percent"].mean()
    assert (
        lost["static partition", "modest"]
        < lost["half and half", "modest"]
        < lost["dynamic pool", "modest"]
    )
    assert lost["dynamic pool", "greedy"] < lost["static partition", "greedy"]


def test_a_day_has_24_hours_also_for_a_machine_that_stays_longer() -> None:
    all_day = [Request("ana", 16, 0.0, 30.0), Request("ben", 16, 12.0, 30.0)]
    served = serve(all_day, lab.HOSTS)
    assert lab._used_percent(served) == pytest.approx(100 * (1 + 0.5) / len(lab.HOSTS))
    assert lab._used_percent(serve([], lab.HOSTS)) == 0


def test_requests_come_as_often_as_was_asked_for() -> None:
    requests = [
        request
        for seed in range(30)
        for request in daily_requests(("a", "b"), seed, per_day=(20, 60), mean_hours=3)
    ]
    counts = [sum(request.tenant == tenant for request in requests) / 30 for tenant in "ab"]
    assert counts == pytest.approx([20, 60], rel=0.1)
    assert sum(request.duration for request in requests) / len(requests) == pytest.approx(
        3, rel=0.1
    )
    assert all(0 <= request.start < 24 for request in requests)
    day = daily_requests(("a", "b"), 1)
    assert [one.start for one in day] == sorted(one.start for one in day)
    assert day == daily_requests(("a", "b"), 1)


def test_the_peak_comes_when_it_should() -> None:
    requests = [
        request
        for seed in range(30)
        for request in daily_requests(("a", "b"), seed, per_day=60, hours_apart=-12)
    ]
    for tenant, peak in (("a", 14), ("b", 2)):
        hours = [(one.start - peak) % 24 for one in requests if one.tenant == tenant]
        near = sum(hour < 4 or hour > 20 for hour in hours)
        far = sum(8 < hour < 16 for hour in hours)
        assert near > 2 * far


@pytest.mark.parametrize(
    "wrong",
    [{"per_day": 0}, {"per_day": (1, 2, 3)}, {"mean_hours": 0}, {"swing": 2}, {"sizes": ()}],
)
def test_wrong_numbers_are_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match="needs"):
        daily_requests(("a", "b"), 1, **wrong)


def test_a_load_of_100_percent_asks_for_as_much_as_there_is() -> None:
    hours = [
        sum(request.size * request.duration for request in daily_requests(("ana",), seed, rate))
        for seed in range(200)
        for rate in [lab.per_day(100)]
    ]
    assert sum(hours) / len(hours) == pytest.approx(32 * 24, rel=0.1)
    assert serve([], lab.HOSTS).utilization == 0


# --- recordings, figures, the chapter's own code --------------------------------------------------


def test_figures_say_what_they_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIRTLAB_SOURCE", "recorded")
    measured = registry.run(lab.faster)
    shown = figures.pool_speedup(measured, {"waiting": 4.0, "no such kind": 1.0})
    assert list(shown.table["condition"]) == list(lab.PIECES)
    assert {"1 server", "4 servers"} <= set(shown.table)
    top = shown.table["4 servers"].max()
    assert f"{top:.3g}" in shown.sentence
    refused = figures.refusals(registry.run(lab.greedy))
    assert "static partition" in refused.sentence
    assert len(refused.table) == 6
    for one in (shown, refused):
        assert one.png().startswith(b"\x89PNG")
        assert len(one.png()) <= figures.MOST_BYTES


def test_a_figure_names_the_one_core_of_a_small_machine() -> None:
    data = pd.DataFrame(
        {
            "condition": ["waiting"] * 2,
            "servers": [1, 2],
            "speedup": [0.9, 1.7],
            "cores": 1,
            "source": "live",
            "reason": "",
        }
    )
    shown = figures.pool_speedup(Measurement(data, "live", "", {}, lab.faster))
    assert "1 core)" in shown.sentence


def test_the_smallest_pool_of_the_chapter_works() -> None:
    code = built_cell(lab.CHAPTER)
    names: dict = {}
    exec(code, names)
    tasks = [f"{number} ** 2" for number in range(10)]
    right = [str(number**2) for number in range(10)]
    with names["servers"](3) as pool:
        pids = [server.pid for server in pool]
        assert names["run"](tasks, pool) == right
        assert names["run"]([], pool) == []
        assert names["run"](["__import__('os').getpid()"] * 12, pool)
        pool[0].send_signal(signal.SIGSTOP)  # it takes a piece and never answers …
        killer = subprocess.Popen(["sh", "-c", f"sleep 0.3; kill -9 {pool[0].pid}"])
        assert names["run"](tasks, pool) == right  # … until it is killed: its piece is not lost
        killer.wait()
        with pytest.raises(RuntimeError, match="no server is left"):
            names["run"](["__import__('os')._exit(1)"], pool[1:])
    assert all(gone(pid) for pid in pids)
