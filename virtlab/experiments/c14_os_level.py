"""Experiments of chapter 14: walls that the operating system puts up, and a crowd behind them."""

from __future__ import annotations

import copy
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from virtlab import host, leftovers
from virtlab.experiments.programs.prisoner import ATTACKS, POWERS, STOPPED, THROUGH
from virtlab.experiments.running import PROGRAMS, launched
from virtlab.measure.rounds import measure_rounds, measure_rows
from virtlab.models.quota import finish_time
from virtlab.registry import CannotMeasure, experiment
from virtlab.resources import cgroups
from virtlab.resources.cgroups import NoCgroup
from virtlab.runtimes import RUNTIMES
from virtlab.runtimes.base import is_root
from virtlab.runtimes.fleet import Fleet
from virtlab.runtimes.launched import LaunchedRuntime
from virtlab.runtimes.launcher import Launcher

CHAPTER = "14-os-level"
_PATIENCE_S = 60.0
_MIB = 1 << 20

Row = dict[str, Any]


# --- the runtime in levels ------------------------------------------------------------------------


@experiment(f"{CHAPTER}/levels", needs=[host.namespaces], claims=["C053"])
def levels() -> pd.DataFrame:
    """Build the container level by level, and let a prisoner attack from each of them.

    The first level is a plain process: there every attack should get through (the control of the
    attack). In each level the prisoner also kills a process of its own (the control of the weapon).

    Returns:
        One row a level: condition, one column an attack ("got through" or "stopped"), own (the
        same for the control of the weapon), newly_stopped (which attacks got through one level
        before, and what the kernel said to each now).
    """
    told = _prisoner("levels")
    rows, before = [], dict.fromkeys(ATTACKS, THROUGH)
    for one in told:
        now = {name: one[name].partition(": ")[0] for name in ATTACKS}
        newly = [name for name in ATTACKS if before[name] == THROUGH and now[name] == STOPPED]
        says = [f"{name}: {one[name].partition(': ')[2] or 'nothing'}" for name in newly]
        rows.append({"condition": one["condition"], **now, "newly_stopped": "; ".join(says) or "–"})
        before = now
    return pd.DataFrame(rows)


@experiment(f"{CHAPTER}/powers", needs=[host.namespaces, host.user_namespace], claims=["C053"])
def powers() -> pd.DataFrame:
    """Use four of root's powers in a container, in one behind a user namespace, and without them.

    Returns:
        One row a container: condition, chroot, mount, device, swap ("got through" or "stopped").
    """
    if not is_root():
        raise CannotMeasure("only root has the powers that are compared here")
    rows = [
        {"condition": one["condition"]} | {name: one[name].partition(": ")[0] for name in POWERS}
        for one in _prisoner("powers")
    ]
    return pd.DataFrame(rows)


def _prisoner(what: str) -> list[dict[str, str]]:
    """Run the prisoner's program, in a control group of its own where this host allows one."""
    with leftovers.own_folder() as folder, ExitStack() as stack:
        shared = folder / "shared"
        inside = folder / "root" / shared.relative_to("/")
        for place in (shared, inside, *(folder / "root" / name for name in ("proc", "dev", "tmp"))):
            place.mkdir(parents=True, exist_ok=True)
        (folder / "secret").write_text(f"{random.getrandbits(64):016x}")
        process = _started("prisoner.py", what, folder)
        stack.callback(_end, process)
        try:
            group = stack.enter_context(cgroups.group("memory"))
            group.child("prisoner").add(process.pid)
        except (NoCgroup, OSError):
            pass  # where it is in the host's tree is then whatever it was
        told: list[dict[str, str]] = json.loads(_answer(process, "begin"))
        return told


# --- a crowd --------------------------------------------------------------------------------------

CROWD = {"posix_spawn": 60, "namespaces": 60, "runc": 8, "qemu-tcg": 5}


@experiment(
    f"{CHAPTER}/crowd",
    needs=[host.namespaces],
    claims=["C003", "C054"],
    recorded_with={"rounds": 5, "times": 2},
)
def crowd(rounds: int = 2, times: int = 1, seed: int = 1, progress: bool = False) -> pd.DataFrame:
    """Start one instance after the other and keep them all; time each start, weigh the crowd.

    Args:
        rounds: how often each crowd is raised and sent home.
        times: 1 for the crowds of `CROWD`, 2 for twice as many.
        seed: of the order.
        progress: show a progress bar.

    Returns:
        One row a start: round, order, condition, running (with this one), up_to (the next of the
        crowd's sizes that are weighed), first_reply_ms (from the call), per_s (starts a second
        since the first call); total_mib at the sizes that are weighed: PSS of all, and what the
        kernel holds for them where it tells. Also kind and accelerator.
    """
    failed: dict[str, str] = {}
    conditions: dict[str, Callable[[], Iterable[Row]]] = {}
    for name, most in CROWD.items():
        if available := RUNTIMES[name].available():
            conditions[name] = partial(_raise_crowd, launched(name), most * times)
        else:
            failed[name] = available.why
    data = measure_rows(conditions, rounds=rounds, seed=seed, warm=False, progress=progress)
    data["kind"] = data["condition"].map(lambda name: RUNTIMES[name].kind)
    data["accelerator"] = data["condition"].map(lambda name: RUNTIMES[name].accelerator)
    data.attrs["failed"] = failed | data.attrs["failed"]
    return data


def _raise_crowd(runtime: LaunchedRuntime, most: int) -> list[Row]:
    weighed = sorted({max(1, round(most * part)) for part in (0, 0.25, 0.5, 0.75, 1)})
    rows: list[Row] = []
    with ExitStack() as stack:
        launcher = stack.enter_context(Launcher())
        kernel = _kernel_memory(stack, launcher)
        counted = copy.copy(runtime)
        counted.launcher = lambda: launcher  # type: ignore[method-assign]
        counted.start().stop()  # warm, as all that follow are
        before = kernel()
        held = []
        first = time.monotonic_ns()
        paused = 0
        for running in range(1, most + 1):
            instance = stack.enter_context(counted.start())
            held.append(instance)
            now = time.monotonic_ns()
            ms = (instance.stamps["first_reply"] - instance.stamps["call"]) / 1e6
            up_to = next(size for size in weighed if size >= running)
            row: Row = {"running": running, "up_to": up_to, "first_reply_ms": ms}
            row["per_s"] = running / ((now - first - paused) / 1e9)
            if running in weighed:
                sizes = [one.memory() for one in held]
                if None not in sizes:
                    programs = sum(size for size in sizes if size is not None)
                    row["total_mib"] = (programs + kernel() - before) / _MIB
                paused += time.monotonic_ns() - now
            rows.append(row)
    return rows


def one_more(crowd: pd.DataFrame, room_mib: int = 512) -> pd.DataFrame:
    """What the first instance weighs, what each further one adds, and how many fit into some room.

    Args:
        crowd: as the experiment gives it.
        room_mib: the room.

    Returns:
        By condition: first_kib, more_kib (the median over rounds of what one more adds, from the
        smallest crowd that was weighed to the largest), fit, starts_per_s (of the whole crowd).
    """
    rows = []
    for (name, _), own in crowd.dropna(subset=["total_mib"]).groupby(["condition", "round"]):
        own = own.sort_values("running")
        first, last = own.iloc[0], own.iloc[-1]
        more = (last["total_mib"] - first["total_mib"]) / (last["running"] - first["running"])
        rows.append((name, 1024 * first["total_mib"], 1024 * more, last["per_s"]))
    names = ["condition", "first_kib", "more_kib", "starts_per_s"]
    found = pd.DataFrame(rows, columns=names).groupby("condition").median()
    found.insert(2, "fit", 1 + ((1024 * room_mib - found["first_kib"]) / found["more_kib"]))
    found["fit"] = found["fit"].astype(int)
    return found.loc[list(dict.fromkeys(crowd["condition"]))]


def _kernel_memory(stack: ExitStack, launcher: Launcher) -> Callable[[], int]:
    """A function that tells what the kernel holds for a launcher's instances; 0 if it does not."""
    try:
        group = stack.enter_context(cgroups.group("memory"))
        group.child("crowd").add(launcher.pid)
        group.kernel_memory_bytes()
    except (NoCgroup, OSError):
        return lambda: 0
    return group.kernel_memory_bytes


@experiment(f"{CHAPTER}/host-limits")
def host_limits() -> pd.DataFrame:
    """Read how many of each thing this host's kernel allows.

    Returns:
        One row a thing: condition, limit (missing where the kernel has none), where (the file).
    """
    files = {
        "process ids": "/proc/sys/kernel/pid_max",
        "threads": "/proc/sys/kernel/threads-max",
        "PID namespaces of one user": "/proc/sys/user/max_pid_namespaces",
        "network namespaces of one user": "/proc/sys/user/max_net_namespaces",
        "mounts in one mount namespace": "/proc/sys/fs/mount-max",
    }
    rows: list[tuple[str, float | None, str]] = []
    for name, file in files.items():
        try:
            rows.append((name, float(Path(file).read_text()), file))
        except (OSError, ValueError):
            rows.append((name, None, file))
    memory = next(
        line for line in Path("/proc/meminfo").read_text().splitlines() if "MemTotal" in line
    )
    rows.append(("MiB of memory", int(memory.split()[1]) // 1024, "/proc/meminfo"))
    return pd.DataFrame(rows, columns=["condition", "limit", "where"])


JOB = "i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done"


@experiment(
    f"{CHAPTER}/capacity",
    needs=[host.namespaces],
    claims=["C003"],
    recorded_with={"rounds": 10},
)
def capacity(rounds: int = 4, seed: int = 1, progress: bool = False) -> pd.DataFrame:
    """Run the same small job in one container and in several at once; count jobs a second.

    Several are 2, 4 and 8, and four times as many as there are cores, but 64 at most.

    Returns:
        Columns round, order, condition (one for all), containers (at once), jobs_per_s (of all).
    """
    runtime = launched("namespaces")

    def measure(count: int) -> dict[str, float]:
        lives = runtime.run_many(count, ["/bin/sh", "-c", JOB])
        begin = min(stamps["call"] for stamps in lives)
        end = max(stamps["gone"] for stamps in lives)
        return {"containers": count, "jobs_per_s": count / ((end - begin) / 1e9)}

    counts = sorted({1, 2, 4, 8, min(64, 4 * len(os.sched_getaffinity(0)))})
    conditions = {str(count): partial(measure, count) for count in counts}
    data = measure_rounds(conditions, rounds=rounds, seed=seed, progress=progress)
    return data.assign(condition="containers that compute")


# --- a quota --------------------------------------------------------------------------------------

PERIOD_MS = 100
CPU_MS = 240
QUOTAS: dict[str, int | None] = {"no quota": None, "quota 60": 60, "quota 150": 150}


@experiment(
    f"{CHAPTER}/quota",
    needs=[host.cgroup_controllers, host.two_cores],
    claims=["C053"],
    recorded_with={"rounds": 10},
)
def quota(rounds: int = 3, seed: int = 1, progress: bool = False) -> pd.DataFrame:
    """Do a fixed amount of computing under a CPU quota, by one worker and divided between two.

    Returns:
        Columns round, order, condition, workers, quota_ms (of a period of 100 ms; missing without),
        finish_ms, model_ms (by `virtlab.models.quota.finish_time`).
    """
    conditions = {
        f"{name}, {workers} worker{'s' * (workers > 1)}": partial(_finish, quota_ms, workers)
        for name, quota_ms in QUOTAS.items()
        for workers in (1, 2)
    }
    data = measure_rounds(conditions, rounds=rounds, seed=seed, warm=False, progress=progress)
    parts = data["condition"].str.extract(r"(?:quota (\d+)|no quota), (\d)")
    data["quota_ms"], data["workers"] = parts[0].astype(float), parts[1].astype(float)
    return data


def _finish(quota_ms: int | None, workers: int) -> dict[str, float]:
    with cgroups.group("cpu") as outer, ExitStack() as stack:
        process = _started("quota_work.py")
        stack.callback(_end, process)
        outer.set_cpu_weight(10_000)
        own = outer.child("workers")
        if quota_ms is not None:
            own.set_cpu_quota(quota_ms / PERIOD_MS, PERIOD_MS)
        own.add(process.pid)
        took = float(_answer(process, json.dumps({"cpu_ms": CPU_MS, "workers": workers})))
    unlimited = workers * PERIOD_MS
    model = finish_time(CPU_MS, quota_ms or unlimited, PERIOD_MS, workers)
    return {"finish_ms": took, "model_ms": model}


# --- replicas -------------------------------------------------------------------------------------


@experiment(
    f"{CHAPTER}/self-healing",
    needs=[host.namespaces],
    claims=["C055"],
    recorded_with={"rounds": 20},
)
def self_healing(
    rounds: int = 3, ticks: int = 12, seed: int = 1, progress: bool = False
) -> pd.DataFrame:
    """Kill replicas of our container at random; a reconcile loop watches one fleet, none the other.

    Three replicas are wanted; from the middle on, five. In one round both fleets lose a replica in
    the same ticks, if they have one to lose.

    Args:
        rounds: how often.
        ticks: looks at each fleet.
        seed: of the order and of the crashes.
        progress: show a progress bar.

    Returns:
        One row a tick: round, order, condition, tick, desired, crashed (0 or 1), found (running
        when the loop looks), running (after it acted), started, repair_ms (looking and acting).
    """
    runtime = launched("namespaces")
    taken = dict.fromkeys(("with a reconcile loop", "left alone"), 0)

    def measure(name: str) -> list[Row]:
        taken[name] += 1
        chance = random.Random(seed * 1000 + taken[name])
        with Fleet(runtime) as fleet:
            return _watch(fleet, name != "left alone", ticks, chance)

    conditions = {name: partial(measure, name) for name in taken}
    return measure_rows(conditions, rounds=rounds, seed=seed, warm=False, progress=progress)


def _watch(fleet: Fleet, loop: bool, ticks: int, chance: random.Random) -> list[Row]:
    """Let a fleet live for some ticks."""
    rows, made, desired = [], 3, 3
    for number in range(made):
        fleet.start(f"web-{number}")
    for tick in range(ticks):
        if tick == ticks // 2:
            desired = 5
        crash, victim = chance.random() < 0.4, chance.random()
        alive = sorted(fleet.running())
        if crashed := crash and bool(alive):
            fleet.kill(alive[int(victim * len(alive))])
        before = time.perf_counter_ns()
        found = started = 0
        if loop:
            found = len(fleet.running())
            for _ in range(desired - found):
                fleet.start(f"web-{made}")
                made, started = made + 1, started + 1
        took = (time.perf_counter_ns() - before) / 1e6
        running = len(fleet.running())
        row = {"tick": tick, "desired": desired, "crashed": int(crashed), "running": running}
        row |= {"found": found if loop else running, "started": started}
        rows.append(row | ({"repair_ms": took} if loop else {}))
    return rows


# --- helpers --------------------------------------------------------------------------------------


def _started(name: str, *arguments: object) -> subprocess.Popen[str]:
    """Start one of the small programs beside this module; it waits for a line before it begins."""
    return subprocess.Popen(
        [sys.executable, "-I", "-S", str(PROGRAMS / name), *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={leftovers.OWNER_VARIABLE: leftovers.owner_mark()},
        text=True,
    )


def _answer(process: subprocess.Popen[str], line: str) -> str:
    """Let a program begin with a line, and return what it prints to its end."""
    try:
        told, errors = process.communicate(f"{line}\n", timeout=_PATIENCE_S)
    except subprocess.TimeoutExpired:
        raise CannotMeasure(f"no answer within {_PATIENCE_S:g} s") from None
    if process.returncode != 0:
        raise CannotMeasure(errors.strip().rsplit("\n", 1)[-1] or "a program died")
    return told


def _end(process: subprocess.Popen[str]) -> None:
    """End a program, whatever it is at."""
    with process:
        process.kill()


def medians(data: pd.DataFrame, value: str, names: Sequence[str] = ()) -> dict[str, float]:
    """Return the median of a value for each condition, or for those named."""
    found = data.groupby("condition", sort=False)[value].median()
    return {str(name): float(found[name]) for name in names or found.index if name in found.index}
