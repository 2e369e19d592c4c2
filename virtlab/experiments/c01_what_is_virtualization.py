"""Experiments of chapter 01: many instances on one machine, and what one costs to get."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil

from virtlab import host
from virtlab.experiments.ladder import measure_starts
from virtlab.measure.rounds import measure_rounds
from virtlab.registry import CannotMeasure, experiment
from virtlab.resources.tenants import Tenants, one_core, unit_seconds
from virtlab.runtimes import LADDER, RUNTIMES
from virtlab.runtimes.process import Fork, PosixSpawn

INSTANCES = Path(__file__).parent / "programs" / "instances.py"
CHAPTER = "01-what-is-virtualization"


@experiment(
    f"{CHAPTER}/startup-ladder",
    claims=["C005"],
    recorded_with={"budget_s": 60.0, "only": tuple(RUNTIMES)},
)
def startup_ladder(
    budget_s: float = 8.0,
    rounds: int | None = None,
    only: Sequence[str] = LADDER,
    seed: int = 1,
    progress: bool = False,
    concurrency: int = 1,
    present: int = 0,
) -> pd.DataFrame:
    """Start a program in every way this host has, from a thread to a virtual machine.

    Args:
        budget_s: seconds for all of it, where `rounds` is not given.
        rounds: how often to start each.
        only: names from RUNTIMES.
        seed: of the order within each round.
        progress: show a progress bar.
        concurrency: how many of a kind to start at once; the median of them counts.
        present: how many others of its kind run meanwhile.
    """
    return measure_starts(
        only,
        budget_s=budget_s,
        rounds=rounds,
        least=5,
        seed=seed,
        progress=progress,
        concurrency=concurrency,
        present=present,
    )


@experiment(f"{CHAPTER}/large-parent", recorded_with={"rounds": 40})
def large_parent(
    sizes_mib: Sequence[int] = (0, 64, 256),
    rounds: int = 8,
    seed: int = 1,
    progress: bool = False,
) -> pd.DataFrame:
    """Start a process from ever larger parents, and from one that must itself be started first.

    A fork copies the parent's page tables; posix_spawn borrows its memory until the new program
    runs. All other start-up measurements use the small warm launcher (0 MiB more).

    Returns:
        Columns round, order, condition (`fork, 64 MiB`, …, `posix_spawn, cold launcher`), how,
        parent_mib (what the parent holds besides its own few MiB), first_instruction_ms and
        first_reply_ms (from the call).
    """

    def start(how: type[Fork] | type[PosixSpawn], parent_mib: int, cold: bool) -> dict[str, Any]:
        runtime = how(parent_mib)
        stamps = runtime.run_cold() if cold else runtime.run()
        times = {
            f"{boundary}_ms": (stamps[boundary] - stamps["call"]) / 1e6
            for boundary in ("first_instruction", "first_reply")
        }
        return {"how": runtime.name, "parent_mib": parent_mib, **times}

    conditions = {
        f"{how.name}, {size} MiB": partial(start, how, size, False)
        for how in (PosixSpawn, Fork)
        for size in sizes_mib
    }
    conditions["posix_spawn, cold launcher"] = partial(start, PosixSpawn, 0, True)
    return measure_rounds(conditions, rounds=rounds, seed=seed, progress=progress)


@experiment(f"{CHAPTER}/two-processes-one-address", claims=["C001"])
def two_processes_one_address(count: int = 2) -> pd.DataFrame:
    """Let processes keep different values at the same virtual address at the same time.

    Returns:
        One row a process: condition, pid, address (hexadecimal), wrote, reads, and frame, the
        physical page behind the address (missing where the kernel hides it from its users). And
        the control, without the wall: shared_reads and shared_frame, for a second address where
        all wrote the same numbers to a page that the kernel lets them share.
    """
    return _instances("addresses", count, "process")


@experiment(f"{CHAPTER}/hostnames", needs=[host.Need("uts namespace")], claims=["C001"])
def hostnames(count: int = 5) -> pd.DataFrame:
    """Give each of several processes a hostname of its own, on one kernel.

    Returns:
        One row a namespace: condition, pid, hostname, namespace, kernel, boot_id.
    """
    return _instances("hostnames", count, "namespace")


@experiment(f"{CHAPTER}/maker-and-made", needs=[host.qemu], claims=["C005"])
def maker_and_made() -> pd.DataFrame:
    """Start a virtual machine and look at its maker from the host: an ordinary process.

    Returns:
        One row: condition, pid, program (the process's name), threads, and memory_mib (PSS).
    """
    runtime = RUNTIMES["qemu-tcg"]
    with runtime.start() as machine:
        process = psutil.Process(machine.pid)
        row = {
            "condition": runtime.name,
            "pid": process.pid,
            "program": process.name(),
            "threads": process.num_threads(),
            "memory_mib": (machine.memory() or math.nan) / 2**20,
        }
    return pd.DataFrame([row])


@experiment(f"{CHAPTER}/shared-core", claims=["C002"], recorded_with={"rounds": 8, "seconds": 1.0})
def shared_core(
    tenants: Sequence[int] = (1, 2, 3, 4, 6),
    rounds: int = 2,
    seconds: float = 0.5,
    demand: float = 0.25,
    burst_ms: float = 5.0,
    seed: int = 1,
    progress: bool = False,
) -> pd.DataFrame:
    """Let 1..N bursty tenants share one core, and see how much of it does work.

    Each tenant alone would need `demand` of a core: bursts of `burst_ms` of hashing, at random
    intended moments that do not wait for the last burst (an open loop). With a core each, N tenants
    keep each core as busy as one tenant keeps this one.

    Returns:
        One row a round and number of tenants: tenants, busy_fraction of the core, work_per_core_s
        (bursts finished per second of the shared core), response_ms (median, from the intended
        moment) and response_p99_ms (missing under 200 bursts in that row). Bursts that are not
        done at the end have no response time: on an overloaded core the true waiting is longer.
    """
    core = one_core()
    units = max(1, round(burst_ms / 1e3 / unit_seconds()))
    task = {
        "task": "bursts",
        "core": core,
        "units": units,
        "seconds": seconds,
        "mean_interval_s": burst_ms / 1e3 / demand,
    }
    chance = np.random.default_rng(seed)

    def share(count: int) -> dict[str, float]:
        seeds = chance.integers(2**31, size=count)
        tasks = [task | {"seed": int(one)} for one in seeds]
        with Tenants(tasks, together=True) as sharing:
            results = sharing.go()
        wall = max(result["seconds"] for result in results)
        responses = np.concatenate([result["responses_ms"] for result in results])
        return {
            "tenants": count,
            "busy_fraction": sum(result["cpu_s"] for result in results) / wall,
            "work_per_core_s": len(responses) / wall,
            "response_ms": float(np.median(responses)) if len(responses) else np.nan,
            "response_p99_ms": (
                float(np.quantile(responses, 0.99)) if len(responses) >= 200 else np.nan
            ),
        }

    conditions = {f"{count} tenants": partial(share, count) for count in tenants}
    return measure_rounds(conditions, rounds=rounds, seed=seed, warm=False, progress=progress)


def _instances(kind: str, count: int, noun: str) -> pd.DataFrame:
    """Run the program that makes `count` instances at once, and return one row for each."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(INSTANCES), kind, str(count)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    if done.returncode != 0:
        raise CannotMeasure(done.stderr.strip().rsplit("\n", 1)[-1] or "the program died")
    reports = json.loads(done.stdout)
    for report in reports:
        if report.get("error"):
            raise CannotMeasure(report["error"])
    data = pd.DataFrame(reports)
    data.insert(0, "condition", [f"{noun} {number + 1}" for number in range(count)])
    return data
