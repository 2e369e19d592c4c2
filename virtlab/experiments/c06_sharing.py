"""Experiments of chapter 06: who gets the CPU, the memory and the disk when everyone wants them."""

from __future__ import annotations

import math
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from virtlab import host, leftovers
from virtlab.measure.rounds import measure_rows
from virtlab.measure.statistics import p99
from virtlab.models.ballooning import Guest, balloon
from virtlab.models.lock_holder import contend
from virtlab.registry import CannotMeasure, experiment
from virtlab.resources import cgroups
from virtlab.resources.cgroups import Group, NoCgroup
from virtlab.resources.disks import disk_of
from virtlab.resources.memory import await_merging, memory_of, merging
from virtlab.resources.pressure import PressureWatch
from virtlab.resources.tenants import Tenants, one_core, unit_seconds

CHAPTER = "06-sharing"
PATTERNS = ((1, 1), (1, 3), (1, 9), (1, 2, 4), (1, 2, 3, 4), (1, 1, 1, 1, 2, 2, 4, 4))
# The scheduler's weight of a process falls by this factor with each step of nice (Linux, sched(7)).
NICE_STEP = 1.25
MIB = 1 << 20
KSM_PATIENCE_S = 10.0
STRESSORS = ("cpu", "memory", "fork", "io")
# Quotas of CPU time (in cores) and their periods (in ms).
CAPS = ((0.25, 10.0), (0.25, 100.0), (0.5, 100.0))
# The simulated host and its guests, in MiB.
HOST_MIB, GUEST_MIB = 16_384, 2_048
Row = Mapping[str, Any]


@experiment(
    f"{CHAPTER}/share-against-weight",
    claims=["C027"],
    recorded_with={"rounds": 6, "seconds": 0.8},
)
def share_against_weight(
    patterns: Sequence[Sequence[int]] = PATTERNS,
    rounds: int = 1,
    seconds: float = 0.4,
    mechanism: str = "",
    seed: int = 1,
    progress: bool = False,
) -> pd.DataFrame:
    """Let 2 to 8 tenants who want all of one core share it by weight.

    Args:
        patterns: the weights of the tenants, one pattern a condition; only their ratios count.
        rounds: how often each pattern is measured.
        seconds: how long each time.
        mechanism: "cgroup" or "nice"; control groups where this user may make them if empty.
        seed: of the order.
        progress: show a progress bar.

    Returns:
        One row a round, pattern and tenant: condition (`1:3`), tenants, tenant (from 1), weight,
        expected (share of the weights), share (of the CPU time all got), mechanism.
    """
    mechanism = mechanism or ("cgroup" if _can_group("cpu") else "nice")
    share = _share_by_group if mechanism == "cgroup" else _share_by_nice

    def measure(weights: Sequence[int]) -> Iterable[Row]:
        used = share(weights, seconds)
        for number, (weight, cpu_s) in enumerate(zip(weights, used, strict=True), 1):
            yield {
                "tenants": len(weights),
                "tenant": number,
                "weight": weight,
                "expected": weight / sum(weights),
                "share": cpu_s / sum(used),
                "mechanism": mechanism,
            }

    conditions = {":".join(map(str, one)): partial(measure, one) for one in patterns}
    return measure_rows(conditions, rounds=rounds, seed=seed, warm=False, progress=progress)


@experiment(
    f"{CHAPTER}/weights-and-caps",
    needs=[host.cgroup_controllers],
    claims=["C028"],
    recorded_with={"rounds": 5, "seconds": 2.4},
)
def weights_and_caps(
    rounds: int = 1,
    seconds: float = 1.5,
    slice_s: float = 0.1,
    seed: int = 1,
    progress: bool = False,
) -> pd.DataFrame:
    """Let two tenants share a core, by equal weights or by caps of half a core, while one idles.

    Both want all they can get, but tenant 2 sleeps for the middle third. Weights give its share to
    tenant 1 (they are work-conserving); a cap leaves it unused.

    Returns:
        One row a round, condition (`weights`, `caps`), tenant and slice: second (its start) and
        core_share (work done in the slice, as a share of what the core can do).
    """
    unit_s = unit_seconds()
    task = {"task": "spin", "core": one_core(), "seconds": seconds, "slice_s": slice_s}
    idle = {"idle": [[seconds / 3, 2 * seconds / 3]]}

    def measure(policy: str) -> Iterable[Row]:
        with cgroups.group("cpu") as all_tenants, Tenants([task, task | idle]) as tenants:
            all_tenants.set_cpu_weight(10_000)
            for number, pid in enumerate(tenants.pids, 1):
                own = all_tenants.child(f"tenant-{number}")
                if policy == "caps":
                    own.set_cpu_quota(0.5, period_ms=20)
                own.add(pid)
            for number, result in enumerate(tenants.go(), 1):
                for place, units in enumerate(result["slices"]):
                    yield {
                        "tenant": number,
                        "second": round(place * slice_s, 6),
                        "core_share": units * unit_s / slice_s,
                    }

    conditions = {policy: partial(measure, policy) for policy in ("weights", "caps")}
    return measure_rows(conditions, rounds=rounds, seed=seed, warm=False, progress=progress)


@experiment(
    f"{CHAPTER}/throttling",
    needs=[host.cgroup_controllers],
    claims=["C026", "C092"],
    recorded_with={"rounds": 2},
)
def throttling(
    caps: Sequence[tuple[float, float]] = CAPS,
    rounds: int = 1,
    seconds: float = 1.2,
    seed: int = 1,
    progress: bool = False,
) -> pd.DataFrame:
    """Cap a tenant that needs a little over a fifth of a core, by several quotas; see its latency.

    Its requests of 1 ms come at random moments, 5 ms apart on average, in an open loop. In one
    round they come at the same moments under every cap.

    Args:
        caps: quotas (in cores) with their periods (in ms); without any cap is measured, too.
        rounds: how often each is measured.
        seconds: how long each time.
        seed: of the order and of the moments.
        progress: show a progress bar.

    Returns:
        One row a round, condition (`no cap`, `25 % of 10 ms`, …) and request: response_ms (from
        the intended moment), used (CPU time of the tenant, in cores), throttled (share of the
        periods with work that were cut short).
    """
    task = _requests(seconds)
    taken: Counter[tuple[float, float]] = Counter()

    def measure(quota: float, period_ms: float) -> Iterable[Row]:
        taken[quota, period_ms] += 1
        one = task | {"seed": seed + taken[quota, period_ms]}
        with cgroups.group("cpu") as outer, Tenants([one]) as tenants:
            outer.set_cpu_weight(10_000)
            own = outer.child("tenant")
            if quota < math.inf:
                own.set_cpu_quota(quota, period_ms)
            own.add(tenants.pids[0])
            (result,) = tenants.go()
            counted = own.throttling()
        for response in result["responses_ms"]:
            yield {
                "response_ms": round(response, 3),
                "used": round(result["cpu_s"] / result["seconds"], 4),
                "throttled": round(counted.throttled / max(1, counted.periods), 4),
            }

    conditions = {"no cap": partial(measure, math.inf, 0.0)} | {
        f"{100 * quota:.0f} % of {period_ms:g} ms": partial(measure, quota, period_ms)
        for quota, period_ms in caps
    }
    return measure_rows(conditions, rounds=rounds, seed=seed, warm=False, progress=progress)


@experiment(
    f"{CHAPTER}/limits",
    needs=[host.cgroup_controllers],
    claims=["C026"],
    recorded_with={"rounds": 3},
)
def limits(rounds: int = 1, seed: int = 1, progress: bool = False) -> pd.DataFrame:
    """Let a tenant run into each kind of limit, and do the same without it (the control).

    Returns:
        One row a round and condition (`CPU quota, limited`, …): limit, limited, got (what the
        tenant got of `unit`), bound (what the limit allows; missing without), events (kills,
        refusals or stops that the kernel counted), outcome (what became of the tenant).
    """
    conditions = {
        f"{name}, {'limited' if limited else 'free'}": partial(_one_row, name, measure, limited)
        for name, measure in LIMITS.items()
        for limited in (False, True)
    }
    return measure_rows(conditions, rounds=rounds, seed=seed, warm=False, progress=progress)


@experiment(
    f"{CHAPTER}/page-sharing",
    needs=[host.ksm],
    claims=["C028"],
    recorded_with={"rounds": 3},
)
def page_sharing(
    tenants: int = 4, mib: int = 16, rounds: int = 1, seed: int = 1, progress: bool = False
) -> pd.DataFrame:
    """Give several tenants the same bytes: as pages of their own, merged by KSM, and as one file.

    Returns:
        One row a round and condition (`own pages`, `merged by KSM`, `one mapped file`): tenants,
        asked_mib (by all together), rss_mib and pss_mib (summed over the tenants; only the sum of
        PSS counts a shared page once), each above that of tenants that hold nothing.
    """

    def measure(kind: str) -> Iterable[Row]:
        with ExitStack() as stack:
            task: dict[str, Any] = {"task": "calibrate", "mib": mib}
            empty = stack.enter_context(Tenants([task] * tenants))
            nothing = memory_of(empty.pids)
            if kind == "mapped":
                folder = stack.enter_context(leftovers.own_folder())
                (folder / "page-cache").write_bytes(np.random.default_rng(seed).bytes(mib * MIB))
                task["path"] = str(folder / "page-cache")
            if kind == "merged":
                stack.enter_context(merging())
            full = stack.enter_context(Tenants([task | {"hold": kind}] * tenants))
            if kind == "merged":
                await_merging(full.pids, nothing.pss + int(1.05 * mib * MIB), KSM_PATIENCE_S)
            held = memory_of(full.pids)
            yield {
                "tenants": tenants,
                "asked_mib": tenants * mib,
                "rss_mib": (held.rss - nothing.rss) / MIB,
                "pss_mib": (held.pss - nothing.pss) / MIB,
            }

    kinds = {"own pages": "own", "merged by KSM": "merged", "one mapped file": "mapped"}
    conditions = {name: partial(measure, kind) for name, kind in kinds.items()}
    return measure_rows(conditions, rounds=rounds, seed=seed, warm=False, progress=progress)


@experiment(
    f"{CHAPTER}/overcommit", claims=["C091", "C092"], recorded_with={"rounds": 6, "seconds": 2.0}
)
def overcommit(
    tenants: Sequence[int] = (1, 2, 3, 4, 6),
    demand: float = 0.25,
    rounds: int = 1,
    seconds: float = 1.0,
    seed: int = 1,
    progress: bool = False,
) -> pd.DataFrame:
    """Promise one core to more and more tenants; see their latency, their waiting and the pressure.

    Each tenant serves requests of 1 ms in an open loop, and needs `demand` of the core.

    Returns:
        One row a round and number of tenants: condition, tenants, promised (demand of all, in
        cores), requests, response_ms (median), response_p99_ms (missing under 200 requests), late
        (share of the requests not answered in time), waited (share of the time in which a tenant
        stood ready and its core served others, from schedstat), cpu_pressure (share of the time in
        which some task of the machine waited for a core, PSI; missing where the kernel keeps
        none), steal (share of the machine's time that its hypervisor gave to others).
    """
    task = _requests(seconds, mean_interval_ms=1.0 / demand)
    chance = np.random.default_rng(seed)

    def measure(count: int) -> Iterable[Row]:
        tasks = [task | {"seed": int(one)} for one in chance.integers(2**31, size=count)]
        with Tenants(tasks, together=True) as sharing, PressureWatch() as watch:
            results = sharing.go()
        responses = np.concatenate([result["responses_ms"] for result in results])
        late = sum(result["late"] for result in results)
        wall = sum(result["seconds"] for result in results)
        yield {
            "tenants": count,
            "promised": count * demand,
            "requests": len(responses),
            "response_ms": float(np.median(responses)) if len(responses) else math.nan,
            "response_p99_ms": p99(responses) if len(responses) else math.nan,
            "late": late / max(1, late + len(responses)),
            "waited": sum(result["waited_s"] for result in results) / wall,
            "cpu_pressure": watch.result.some.get("cpu", math.nan),
            "steal": watch.result.steal,
        }

    conditions = {f"{count} tenants": partial(measure, count) for count in tenants}
    return measure_rows(conditions, rounds=rounds, seed=seed, warm=False, progress=progress)


@experiment(
    f"{CHAPTER}/noisy-neighbours",
    needs=[host.cgroup_controllers],
    claims=["C091", "C092"],
    recorded_with={"rounds": 4},
)
def noisy_neighbours(
    stressors: Sequence[str] = STRESSORS,
    rounds: int = 1,
    seconds: float = 0.2,
    seed: int = 1,
    progress: bool = False,
) -> pd.DataFrame:
    """Serve requests beside neighbours that take all the CPU, memory bandwidth, processes or disk.

    Victim and neighbours are pinned to one core. With limits the victim has 100 times the weight
    of its neighbours, who have a quota of a third of the core, 96 MiB, 16 processes and 4 MiB a
    second to the disk. What a limit does not reach, such as caches, still leaks.

    Returns:
        One row a round, condition (`alone`, `cpu`, `cpu, limited`, …) and request: limited,
        response_ms.
    """
    victim = _requests(seconds, mean_interval_ms=4.0)
    chance = np.random.default_rng(seed)

    def measure(stressor: str, limited: bool) -> Iterable[Row]:
        with ExitStack() as stack:
            folder = stack.enter_context(leftovers.own_folder())
            tasks = [victim | {"seed": int(chance.integers(2**31))}]
            tasks += _stressing(stressor, seconds, folder)
            controllers = _with_disk_limit(("cpu", "memory", "pids"), folder)
            outer = stack.enter_context(cgroups.group(*controllers))
            outer.set_cpu_weight(10_000)
            tenants = stack.enter_context(Tenants(tasks))
            first, second = outer.child("victim"), outer.child("neighbours")
            if limited:
                _hold_down(first, second, folder)
            for number, pid in enumerate(tenants.pids):
                (first if number == 0 or not limited else second).add(pid)
            responses = tenants.go(may_die=True)[0]["responses_ms"]
        for response in responses:
            yield {"limited": limited, "response_ms": round(response, 3)}

    conditions = {"alone": partial(measure, "", False)} | {
        f"{stressor}, limited" if limited else stressor: partial(measure, stressor, limited)
        for stressor in stressors
        for limited in (False, True)
    }
    return measure_rows(conditions, rounds=rounds, seed=seed, warm=False, progress=progress)


@experiment(f"{CHAPTER}/lock-holder", claims=["C091"], recorded_with={"rounds": 8, "seconds": 1.0})
def lock_holder(
    tenants: int = 3,
    rounds: int = 2,
    seconds: float = 0.3,
    seed: int = 1,
    progress: bool = False,
) -> pd.DataFrame:
    """Let tenants on one core work under one lock, and wait for it by spinning or by sleeping.

    A guest's spin lock supposes that the holder runs on another CPU and is soon done. Where the
    holder has been preempted, those who spin use the time that it needs (lock-holder preemption).

    Returns:
        One row a round and condition (`one tenant`, `spinning`, `sleeping`): turns_per_cpu_s (turns
        done in a second of CPU time) and spun (share of the CPU time spent on trying).
    """
    task = {"task": "lock", "core": one_core(), "seconds": seconds}
    task["units"] = max(1, round(0.2e-3 / unit_seconds()))

    def measure(count: int, spin: bool) -> Iterable[Row]:
        with leftovers.own_folder() as folder:
            path = folder / "lock"
            path.touch()
            tasks = [task | {"path": str(path), "spin": spin}] * count
            with Tenants(tasks, together=True) as sharing:
                results = sharing.go()
        cpu_s = sum(result["cpu_s"] for result in results)
        yield {
            "turns_per_cpu_s": sum(result["units"] for result in results) / cpu_s,
            "spun": sum(result["spun_s"] for result in results) / cpu_s,
        }

    conditions = {
        "one tenant": partial(measure, 1, True),
        "spinning": partial(measure, tenants, True),
        "sleeping": partial(measure, tenants, False),
    }
    return measure_rows(conditions, rounds=rounds, seed=seed, warm=False, progress=progress)


@experiment(f"{CHAPTER}/gang-scheduling", claims=["C091"], simulated=True)
def gang_scheduling(
    cpus: Sequence[int] = (1, 2, 4, 8), rounds: int = 15, seed: int = 1
) -> pd.DataFrame:
    """Simulate a guest with a spin lock whose virtual CPUs get their turns apart, or together.

    Each processor is shared with one virtual CPU of another machine that is always busy. One slice
    of the host is 100 ticks; a virtual CPU computes for about 60 and then holds the lock for 6.

    Args:
        cpus: how many virtual CPUs the guest has, and the host processors.
        rounds: how often each is simulated, with other random turns.
        seed: of everything random.

    Returns:
        One row a round, condition (`turns apart`, `turns together`) and number of virtual CPUs:
        cpus, spun (share of the guest's processor time spent on spinning).
    """

    def row(number: int, gang: bool, count: int) -> Row:
        found = contend(
            count, compute=60, hold=6, slice_ticks=100, ticks=6_000, gang=gang, seed=seed + number
        )
        condition = "turns together" if gang else "turns apart"
        return {"round": number, "condition": condition, "cpus": count, "spun": found.wasted}

    rows = [
        row(number, gang, count)
        for number in range(rounds)
        for gang in (False, True)
        for count in cpus
    ]
    return pd.DataFrame(rows)


@experiment(f"{CHAPTER}/ballooning", claims=["C026"], simulated=True)
def ballooning(guests: Sequence[int] = tuple(range(8, 17)), seed: int = 1) -> pd.DataFrame:
    """Simulate a host that promises too much memory and takes it back by balloon or by swapping.

    The host has 16 GiB. Each guest was promised 2 GiB and is using 40 to 70 percent of that; it
    has touched all. Without balloon drivers the host swaps what it is short of.

    Args:
        guests: how many run on the host, one number after the other.
        seed: of what each guest needs.

    Returns:
        One row a condition (`balloon`, `host swap alone`) and number of guests: guests, promised
        (% of the host's memory), ballooned_mib, swapped_mib, hurt_mib (swapped memory that a guest
        is using, on average); all guests together.
    """
    chance = random.Random(seed)
    needed = [round(GUEST_MIB * chance.uniform(0.4, 0.7)) for _ in range(max(guests))]
    rows = []
    for condition, limit in (("balloon", None), ("host swap alone", 0)):
        for count in guests:
            crowd = [
                Guest(f"guest-{number}", "host", GUEST_MIB, need, balloon_limit=limit)
                for number, need in enumerate(needed[:count], 1)
            ]
            lost = balloon({"host": HOST_MIB}, crowd).values()
            rows.append(
                {
                    "condition": condition,
                    "guests": count,
                    "promised": 100 * count * GUEST_MIB / HOST_MIB,
                    "ballooned_mib": sum(one.ballooned for one in lost),
                    "swapped_mib": sum(one.swapped for one in lost),
                    "hurt_mib": sum(one.hurt for one in lost),
                }
            )
    return pd.DataFrame(rows)


def _requests(seconds: float, cpu_ms: float = 1.0, mean_interval_ms: float = 5.0) -> dict[str, Any]:
    """Return the task of a tenant that serves short requests in an open loop on the one core."""
    return {
        "task": "bursts",
        "core": one_core(),
        "units": max(1, round(cpu_ms / 1e3 / unit_seconds())),
        "mean_interval_s": mean_interval_ms / 1e3,
        "seconds": seconds,
    }


def _can_group(*controllers: str) -> bool:
    try:
        with cgroups.group(*controllers):
            return True
    except NoCgroup:
        return False


def _spinners(count: int, seconds: float) -> list[dict[str, Any]]:
    return [{"task": "spin", "core": one_core(), "seconds": seconds} for _ in range(count)]


def _share_by_group(weights: Sequence[int], seconds: float) -> list[float]:
    """Return the CPU seconds of tenants in control groups of these weights."""
    tasks = _spinners(len(weights), seconds)
    with cgroups.group("cpu") as all_tenants, Tenants(tasks) as tenants:
        all_tenants.set_cpu_weight(10_000)  # the rest of the machine shall disturb little
        for number, (pid, weight) in enumerate(zip(tenants.pids, weights, strict=True), 1):
            own = all_tenants.child(f"tenant-{number}")
            own.set_cpu_weight(100 * weight)
            own.add(pid)
        return [result["cpu_s"] for result in tenants.go()]


def _share_by_nice(weights: Sequence[int], seconds: float) -> list[float]:
    """Return the CPU seconds of tenants with the nice values whose weights come nearest."""
    heaviest = max(weights)
    nice = [round(math.log(heaviest / weight, NICE_STEP)) for weight in weights]
    tasks = _spinners(len(weights), seconds)
    with Tenants([task | {"nice": one} for task, one in zip(tasks, nice, strict=True)]) as tenants:
        return [result["cpu_s"] for result in tenants.go()]


def _stressing(stressor: str, seconds: float, folder: Path) -> list[dict[str, Any]]:
    """Return the tasks of the neighbours."""
    tasks: dict[str, list[dict[str, Any]]] = {
        "": [],
        "cpu": [{"task": "spin"}] * 4,
        "memory": [{"task": "stress_memory", "mib": 32}] * 2,
        "fork": [{"task": "stress_fork", "at_once": 8}] * 2,
        "io": [{"task": "stress_io", "path": str(folder / "written")}] * 2,
    }
    if stressor not in tasks:
        raise CannotMeasure(f"no stressor named {stressor!r}; there are: {', '.join(tasks)}")
    return [task | {"core": one_core(), "seconds": seconds} for task in tasks[stressor]]


def _hold_down(victim: Group, neighbours: Group, folder: Path) -> None:
    victim.set_cpu_weight(10_000)
    neighbours.set_cpu_weight(100)
    neighbours.set_cpu_quota(0.33, period_ms=10)
    neighbours.set_memory_limit(96 * MIB)
    neighbours.set_pids_limit(16)
    if "io" in neighbours.folders:
        neighbours.set_io_limit(disk_of(folder), write_bps=4 * MIB)


def _with_disk_limit(controllers: tuple[str, ...], folder: Path) -> tuple[str, ...]:
    """Add the disk's controller where the folder lies on a disk that can be limited."""
    try:
        disk_of(folder)
    except NoCgroup:
        return controllers
    return (*controllers, "io") if _can_group("io") else controllers


# --- limits, one by one: each measures once and says what the tenant got ------------------------


def _one_row(name: str, measure: Callable[[bool], Row], limited: bool) -> list[Row]:
    return [{"limit": name, "limited": limited, **measure(limited)}]


@contextmanager
def _confined(
    task: dict[str, Any], *controllers: str, limit: Callable[[Group], None]
) -> Iterator[tuple[Tenants, Group]]:
    """Hand out one tenant in a control group of its own, after `limit` has set its limits."""
    with cgroups.group(*controllers) as outer, Tenants([task]) as tenants:
        if "cpu" in controllers:
            outer.set_cpu_weight(10_000)
        own = outer.child("tenant")
        limit(own)
        own.add(tenants.pids[0])
        yield tenants, own


def _memory_limit(mib: int, limited: bool) -> Callable[[Group], None]:
    return lambda own: own.set_memory_limit(mib * MIB) if limited else None


def _cpu_quota(limited: bool) -> Row:
    quota = 0.25
    task = {"task": "spin", "core": one_core(), "seconds": 0.3}
    with _confined(
        task, "cpu", limit=lambda own: own.set_cpu_quota(quota, 20) if limited else None
    ) as (tenants, own):
        (result,) = tenants.go()
        return {
            "got": result["cpu_s"] / result["seconds"],
            "unit": "cores",
            "bound": quota if limited else None,
            "events": own.throttling().throttled,
            "outcome": "slowed down" if limited else "ran on",
        }


def _memory(limited: bool) -> Row:
    bound = 32
    task = {"task": "allocate", "mib": 2 * bound}
    with _confined(task, "memory", limit=_memory_limit(bound, limited)) as (tenants, own):
        (result,) = tenants.go(may_die=True)
        peak = own.memory_peak_bytes()
        return {
            "got": (own.memory_bytes() if peak is None else peak) / MIB,
            "unit": "MiB",
            "bound": bound if limited else None,
            "events": own.oom_kills(),
            "outcome": "killed" if "killed" in result else "finished",
        }


def _page_cache(limited: bool) -> Row:
    bound = 32
    with leftovers.own_folder() as folder:
        path = folder / "read"
        with path.open("wb") as file:
            file.write(bytes(2 * bound * MIB))
            file.flush()
            os.fsync(file.fileno())
            # The pages written here are charged to us; the tenant is to bring in its own.
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        task = {"task": "read_file", "path": str(path)}
        with _confined(task, "memory", limit=_memory_limit(bound, limited)) as (tenants, own):
            tenants.go()
            return {
                "got": own.memory_bytes() / MIB,
                "unit": "MiB",
                "bound": bound if limited else None,
                "events": own.oom_kills(),
                "outcome": "finished",
            }


def _processes(limited: bool) -> Row:
    bound = 8
    task = {"task": "multiply", "count": 20}
    with _confined(
        task, "pids", limit=lambda own: own.set_pids_limit(bound) if limited else None
    ) as (tenants, own):
        (result,) = tenants.go()
        return {
            "got": result["children"] + 1,
            "unit": "processes",
            "bound": bound if limited else None,
            "events": own.pids_refused(),
            "outcome": "refused" if result["error"] else "finished",
        }


def _address_space(limited: bool) -> Row:
    bound = 128
    task: dict[str, Any] = {"task": "allocate", "mib": 2 * bound}
    if limited:
        task["limits"] = {"AS": bound * MIB}
    with Tenants([task]) as tenants:
        (result,) = tenants.go()
    return {
        "got": result["mib"],
        "unit": "MiB",
        "bound": bound if limited else None,
        "events": int(result["refused"]),
        "outcome": "refused" if result["refused"] else "finished",
    }


def _freezer(limited: bool) -> Row:
    seconds, frozen_s = 0.4, 0.2
    task = {"task": "spin", "core": one_core(), "seconds": seconds}
    with _confined(task, "freezer", "cpu", limit=lambda own: None) as (tenants, own):
        tenants.begin()
        if limited:
            time.sleep(0.08)
            own.freeze()
            time.sleep(frozen_s)
            own.thaw()
        (result,) = tenants.results()
    return {
        "got": result["cpu_s"] / result["seconds"],
        "unit": "cores",
        "bound": (seconds - frozen_s) / seconds if limited else None,
        "events": int(limited),
        "outcome": "stood still" if limited else "ran on",
    }


def _disk(limited: bool) -> Row:
    bound = 8
    with leftovers.own_folder() as folder:
        device = disk_of(folder)
        task = {"task": "stress_io", "path": str(folder / "written"), "seconds": 0.3}
        with _confined(
            task,
            "io",
            limit=lambda own: own.set_io_limit(device, write_bps=bound * MIB) if limited else None,
        ) as (tenants, _):
            (result,) = tenants.go()
    return {
        "got": result["mib"] / result["seconds"],
        "unit": "MiB/s",
        "bound": bound if limited else None,
        "events": 0,
        "outcome": "slowed down" if limited else "ran on",
    }


LIMITS: dict[str, Callable[[bool], Row]] = {
    "CPU quota": _cpu_quota,
    "memory limit": _memory,
    "memory limit, page cache": _page_cache,
    "process limit": _processes,
    "address space (rlimit)": _address_space,
    "freezer": _freezer,
    "disk limit": _disk,
}
