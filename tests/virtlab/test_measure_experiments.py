"""The experiments of chapters 00 and 01 show on this host what they are there to show."""

import subprocess
from collections.abc import Callable

import pytest

from virtlab import registry
from virtlab.measure.rounds import measure_rounds
from virtlab.measure.statistics import paired_by_round, ratio_interval
from virtlab.measure.stopwatch import Stopwatch
from virtlab.registry import RegistryError
from virtlab.resources import cgroups
from virtlab.resources.cgroups import NoCgroup
from virtlab.resources.tenants import Tenants
from virtlab.runtimes.base import RuntimeFailed

FIRST = registry.load("00-start-here")
SECOND = registry.load("01-what-is-virtualization")


def live_or_skip(exp: registry.Experiment) -> None:
    if why := exp.missing():
        pytest.skip(why)


def test_processes_keep_different_values_at_one_address():
    data = SECOND["two-processes-one-address"](count=3)
    assert data["address"].nunique() == 1
    assert data["reads"].nunique() == 3
    assert data["reads"].eq(data["wrote"]).all()
    assert data["pid"].nunique() == 3
    frames = data["frame"].dropna()
    assert frames.nunique() == len(frames), "each has a page of its own behind the address"
    assert data["shared_reads"].nunique() == 1, "the control: in a shared page all read the same"
    assert data["shared_reads"].isin(data["wrote"]).all()
    assert data["shared_frame"].dropna().nunique() <= 1


@pytest.mark.system
def test_namespaces_keep_different_hostnames_on_one_kernel():
    live_or_skip(SECOND["hostnames"])
    data = SECOND["hostnames"](count=4)
    assert data["hostname"].nunique() == 4
    assert data["namespace"].nunique() == 4
    assert data["boot_id"].nunique() == 1


def test_a_shared_core_does_more_work():
    def more_work() -> bool:
        data = SECOND["shared-core"](tenants=(1, 4), rounds=1, seconds=0.5).set_index("tenants")
        assert (data["busy_fraction"] > 0).all()
        assert (data["busy_fraction"] < 1.1).all(), "one core is all there is"
        return bool(data.loc[4, "work_per_core_s"] > data.loc[1, "work_per_core_s"])

    found = any(more_work() for _ in range(4))
    try:
        with cgroups.group("cpu"):
            assert found
    except NoCgroup as error:
        if not found:
            pytest.skip(f"the tenants share their core with all that runs here: {error}")


def test_a_ladder_is_in_order():
    data = SECOND["startup-ladder"](only=("thread", "namespaces"), rounds=5)
    assert data["round"].nunique() == 5
    if "namespaces" in data.attrs["failed"]:
        pytest.skip(data.attrs["failed"]["namespaces"])
    medians = data.groupby("condition")["first_reply_ms"].median()
    assert medians["thread"] < medians["namespaces"]
    assert data["gone_ms"].ge(data["first_reply_ms"]).all()


@pytest.mark.serial
def test_a_large_parent_makes_fork_dear_and_a_cold_launcher_everything():
    """At their best: what else the machine does only adds."""
    measured = SECOND["large-parent"]
    best = measured(sizes_mib=(0, 128), rounds=6).groupby("condition")["first_reply_ms"].min()
    assert best["fork, 128 MiB"] > 2 * best["fork, 0 MiB"]
    assert best["posix_spawn, 128 MiB"] < best["fork, 128 MiB"]
    assert best["posix_spawn, cold launcher"] > 2 * best["posix_spawn, 0 MiB"]


def test_an_unknown_rung_is_named():
    with pytest.raises(RegistryError, match="no runtime named 'runk'; there are: thread"):
        SECOND["startup-ladder"](only=("runk",))


def test_the_first_measurement_compares_a_thread_and_a_process():
    data = FIRST["first-measurement"](rounds=5)
    assert set(data["condition"]) == {"thread", "posix_spawn"}


def test_a_delay_planted_in_a_real_process_is_found():
    def run(*command: str) -> Callable[[], float]:
        def once() -> float:
            watch = Stopwatch()
            watch.stamp("call")
            subprocess.run(command, check=True)
            watch.stamp("gone")
            return watch.between_ms("call", "gone")

        return once

    def found(seed: int) -> bool:
        data = measure_rounds(
            {"plain": run("sleep", "0"), "delayed": run("sleep", "0.005")}, rounds=30, seed=seed
        )
        pairs = paired_by_round(data, "delayed", "plain")
        return ratio_interval(*pairs, paired=True, seed=seed).low > 1.0

    # On a busy machine five milliseconds may drown in the weather of one measurement.
    assert any(found(seed) for seed in range(4))


def test_a_tenant_that_dies_is_one_line_and_leaves_no_process():
    with Tenants([{"task": "juggle"}, {"task": "calibrate"}]) as tenants:
        pids = tenants.pids
        with pytest.raises(RuntimeFailed, match="tenant died with status 1: KeyError: 'juggle'"):
            tenants.go()
    for pid in pids:
        assert not is_alive(pid)


def is_alive(pid: int) -> bool:
    return subprocess.run(["kill", "-0", str(pid)], capture_output=True).returncode == 0


def test_tenants_start_at_one_moment_and_answer_in_order():
    task = {"task": "bursts", "units": 1, "mean_interval_s": 0.01, "seconds": 0.1}
    with Tenants([task | {"seed": seed} for seed in (1, 2, 1)]) as tenants:
        results = tenants.go()
    assert len(results) == 3
    assert all(result["seconds"] >= 0.1 for result in results)
    assert all(response >= 0 for result in results for response in result["responses_ms"])
