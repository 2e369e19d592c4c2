"""Experiments of chapter 07: many servers as one, where that ends, and who gets which part."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from virtlab import host
from virtlab.experiments import pool_tasks as tasks
from virtlab.experiments.pool import Pool, pool
from virtlab.measure.rounds import measure_rounds
from virtlab.models.demand import daily_requests
from virtlab.models.placement import Request, Service, serve
from virtlab.models.speedup import speedup
from virtlab.registry import CannotMeasure, experiment

CHAPTER = "07-aggregation"
FAR_MEMORY = Path(__file__).parent / "programs" / "far_memory.py"
SERVERS = 4
PATIENCE_S = 30.0


# --- one big computer ---------------------------------------------------------------------------


@experiment(f"{CHAPTER}/servers", needs=[host.loopback, host.namespaces], claims=["C029"])
def servers(count: int = SERVERS) -> pd.DataFrame:
    """Put servers with hostnames of their own behind one scheduler, and ask each who it is.

    Returns:
        One row a server: condition (its name in the pool), hostname (as it sees itself), pid,
        offers (cores that it tells the scheduler), cores (that it could really run on), boot_id.
    """
    with pool(count, own_names=True) as servers:
        told = servers.client.run(tasks.who)
        offers = servers.client.nthreads()
        rows = [
            {
                "condition": name,
                "hostname": told[place]["hostname"],
                "pid": told[place]["pid"],
                "offers": offers[place],
                "cores": told[place]["cores"],
                "boot_id": told[place]["boot_id"],
            }
            for name, place in servers.places.items()
        ]
    return pd.DataFrame(rows)


JOB_MS = 240  # of one core
COUNTS = (1, 2, 4)
PIECES = {
    # kind: pieces of the job; all may be divided by the counts of servers
    "computing": 12,
    "computing, a quarter serial": 12,
    "computing, tiny pieces": 160,
}
WHOLE = "whole"


@experiment(
    f"{CHAPTER}/speedup",
    needs=[host.loopback, host.two_cores],
    claims=["C029"],
    recorded_with={"rounds": 25},
)
def faster(
    rounds: int = 3,
    counts: Sequence[int] = COUNTS,
    only: Sequence[str] = tuple(PIECES),
    seed: int = 1,
    progress: bool = False,
) -> pd.DataFrame:
    """Cut a job into pieces for 1, 2 and 4 servers, and compare with the job whole on one.

    Each piece keeps a core of this machine busy, so the servers share the cores that it has.

    Returns:
        One row a round, kind and number of servers: round, order, condition (the kind), servers,
        pieces, ms (of the job), whole_ms (the same job whole on one server, in the same round),
        speedup, cores (of this machine).
    """
    with pool(max(counts)) as servers:
        units = _units_in(servers, JOB_MS)
        jobs: dict[str, Callable[[], float]] = {f"{WHOLE}|0": partial(_whole_ms, servers, units)}
        for kind in only:
            for count in counts:
                jobs[f"{kind}|{count}"] = partial(_job_ms, servers, kind, units, count)
        data = measure_rounds(jobs, rounds=rounds, seed=seed, warm=False, progress=progress)
    split = data["condition"].str.split("|", expand=True)
    data = data.assign(condition=split[0], servers=split[1].astype(int))
    whole_ms = data[data["servers"] == 0].set_index("round")["value"]
    data = data[data["servers"] > 0].rename(columns={"value": "ms"})
    data["whole_ms"] = data["round"].map(whole_ms)
    data["pieces"] = data["condition"].map(PIECES)
    data["speedup"] = data["whole_ms"] / data["ms"]
    data["cores"] = len(os.sched_getaffinity(0))
    return data.reset_index(drop=True)


def _units_in(servers: Pool, ms: float) -> int:
    """Return how many units of computing a server of the pool does in so many milliseconds."""
    units = 1000
    for _ in range(3):  # the first is cold, and too short for a hand-out not to matter
        took_ms = _ms(servers, partial(servers.client.submit, tasks.compute, units, pure=False))
        units = max(1, round(units * 200 / took_ms))
    return max(1, round(units * ms / 200))


def _ms(servers: Pool, begin: Callable[[], Any]) -> float:
    start = time.perf_counter_ns()
    servers.client.gather(begin())
    return (time.perf_counter_ns() - start) / 1e6


def _whole_ms(servers: Pool, units: int) -> float:
    """Do the whole job on one server; return the milliseconds."""
    one = partial(servers.client.submit, pure=False, workers=_all(servers)[:1])
    return _ms(servers, partial(one, tasks.compute, units))


def _job_ms(servers: Pool, kind: str, units: int, count: int) -> float:
    """Do the job in pieces on so many servers; return the milliseconds."""
    chosen = _all(servers)[:count]
    serial = units / 4 if "serial" in kind else 0.0
    pieces = [(units - serial) / PIECES[kind]] * PIECES[kind]
    ms = 0.0
    if serial:
        first = partial(servers.client.submit, pure=False, workers=chosen[:1])
        ms = _ms(servers, partial(first, tasks.compute, serial))
    spread = partial(servers.client.map, pure=False, workers=chosen)
    return ms + _ms(servers, partial(spread, tasks.compute, pieces))


MODELS = {
    "no serial part": (0.0, 0.0),
    "1 % serial": (0.01, 0.0),
    "1 % serial, and overhead": (0.01, 0.0002),
    "25 % serial": (0.25, 0.0),
}


@experiment(f"{CHAPTER}/many-servers", simulated=True)
def many_servers(most: int = 256) -> pd.DataFrame:
    """Compute how many times faster 1 to 256 servers would be, by Amdahl's law with overhead.

    Returns:
        One row a model and number of servers: condition, serial, overhead (parts of the job),
        servers, speedup.
    """
    counts = [1 << power for power in range(most.bit_length())]
    rows = [
        (name, serial, overhead, count, speedup(count, serial, overhead))
        for name, (serial, overhead) in MODELS.items()
        for count in counts
    ]
    return pd.DataFrame(rows, columns=["condition", "serial", "overhead", "servers", "speedup"])


# --- what no pool can hold ----------------------------------------------------------------------

FREE_MIB = 48
REQUESTS = {
    # condition: (MiB of each piece, pieces, whether the scheduler is told what a piece needs)
    "fits one server": (32, 1, True),
    "fits the pool only": (96, 1, True),
    "the same, scheduler not told": (96, 1, False),
    "the same, cut in four": (24, 4, True),
}


@experiment(f"{CHAPTER}/too-big", needs=[host.loopback], claims=["C029"])
def too_big(wait_s: float = 0.6) -> pd.DataFrame:
    """Ask a pool of four servers for blocks of memory: small, too big for one, and cut.

    Each server has 48 MiB left, and its kernel refuses more. Each also tells the scheduler so.
    A block is a result that its server keeps: the pieces of a block are all held at once.

    Returns:
        One row a request: condition, wanted_mib (in all), piece_mib, server_free_mib,
        pool_free_mib, scheduler (what it says of the first piece), outcome.
    """
    rows = []
    with pool(SERVERS, resources={"MiB": FREE_MIB}) as servers:
        client = servers.client
        client.gather(client.map(tasks.fill, [1] * SERVERS, workers=_all(servers), pure=False))
        client.run(tasks.limit_memory, FREE_MIB)
        for name, (mib, pieces, told) in REQUESTS.items():
            needs = {"MiB": mib} if told else None
            futures = client.map(tasks.fill, [mib] * pieces, resources=needs, pure=False, retries=0)
            _wait(futures, wait_s if mib > FREE_MIB and told else PATIENCE_S)
            state = client.run_on_scheduler(tasks.state_of, futures[0].key)
            rows.append(
                {
                    "condition": name,
                    "wanted_mib": mib * pieces,
                    "piece_mib": mib,
                    "server_free_mib": FREE_MIB,
                    "pool_free_mib": FREE_MIB * SERVERS,
                    "scheduler": state,
                    "outcome": _outcome(servers, futures, mib * pieces),
                }
            )
            client.cancel(futures)
    return pd.DataFrame(rows)


def _all(servers: Pool) -> list[str]:
    return list(servers.places.values())


def _wait(futures: Sequence[Any], seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and not all(future.done() for future in futures):
        time.sleep(0.01)


def _outcome(servers: Pool, futures: Sequence[Any], wanted: int) -> str:
    if any(not future.done() for future in futures):
        return "still waiting"
    for error in (future.exception() for future in futures):
        if error is not None:
            return f"{type(error).__name__} from the server's kernel"
    blocks = servers.client.gather(servers.client.map(tasks.held, futures, pure=False))
    held = sum(mib for _, mib in blocks)
    return "held" if held == wanted else f"only {held} MiB held"


@experiment(
    f"{CHAPTER}/far-memory",
    needs=[host.loopback],
    claims=["C029"],
    recorded_with={"rounds": 200},
)
def far_memory(rounds: int = 30, mib: int = 64, seed: int = 1) -> pd.DataFrame:
    """Read a program's own memory, and memory that another process holds and sends over TCP.

    Own memory is read by a loop in machine code, at random places of a block larger than most
    caches. The other process is on this machine, so there is no wire: a real network adds to it.

    Returns:
        One row a round and kind of memory: round, order, condition, us (of one read, the mean of
        many).
    """
    done = subprocess.run(
        [sys.executable, str(FAR_MEMORY), *map(str, (rounds, seed, mib))],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode != 0:
        raise CannotMeasure(done.stderr.strip().rsplit("\n", 1)[-1] or "far_memory.py died")
    told = json.loads(done.stdout)
    if isinstance(told, dict):
        raise CannotMeasure(told["error"])
    return pd.DataFrame(told)


# --- a server dies ------------------------------------------------------------------------------


@experiment(f"{CHAPTER}/server-dies", needs=[host.loopback])
def server_dies(pieces: int = 24, piece_ms: float = 30.0) -> pd.DataFrame:
    """Kill one of four servers in the middle of a job; see what becomes of the job, and of a state.

    The control is the same job while nobody dies. On the server that is killed there also lives a
    counter: it has a state, as a virtual machine has.

    Returns:
        One row each: condition, servers (left at the end), pieces, runs (of pieces, started in
        all), right (whether the job's result is), counter (what became of it).
    """
    rows = []
    with pool(SERVERS) as servers, servers.client.as_current():
        victim, place = list(servers.places.items())[1]
        units = _units_in(servers, piece_ms)
        counter = servers.client.submit(tasks.Counter, actor=True, workers=[place]).result()
        for _ in range(3):
            counter.add().result()
        for name in ("nobody dies", "one of four dies"):
            notes = servers.folder / name.replace(" ", "-")
            notes.mkdir()
            futures = servers.client.map(
                tasks.note_and_compute, range(pieces), pure=False, units=units, folder=str(notes)
            )
            if name != "nobody dies":
                while _runs(notes) < pieces // 2:
                    time.sleep(0.002)
                os.kill(servers.pids[victim], signal.SIGKILL)
            total = sum(servers.client.gather(futures))
            rows.append(
                {
                    "condition": name,
                    "servers": len(servers.client.nthreads()),
                    "pieces": pieces,
                    "runs": _runs(notes),
                    "right": total == sum(piece * piece for piece in range(pieces)),
                    "counter": _ask(counter),
                }
            )
    return pd.DataFrame(rows)


def _runs(folder: Path) -> int:
    notes = folder / "runs"
    return len(notes.read_text().splitlines()) if notes.exists() else 0


def _ask(counter: Any) -> str:
    try:
        return f"counts {counter.add().result(timeout=10)}"
    except Exception as error:  # Dask has several for a server that is gone
        return f"lost ({type(error).__name__})"


# --- who gets which part ------------------------------------------------------------------------

SHARED_SERVERS = 2
BUSY, QUIET_TENANT = 12, 4


@experiment(
    f"{CHAPTER}/partition-or-pool",
    needs=[host.loopback, host.two_cores],
    claims=["C030"],
    recorded_with={"rounds": 25},
)
def partition_or_pool(
    rounds: int = 5, piece_ms: float = 40.0, seed: int = 1, progress: bool = False
) -> pd.DataFrame:
    """Let a busy tenant and a quiet one share two servers: one each, or both in one pool.

    The busy tenant has 12 pieces to compute, the quiet one 4. Two servers, so that each can have a
    core.

    Returns:
        One row a round and way: round, order, condition, busy_ms and quiet_ms (until the tenant's
        last piece is done), both_ms, utilization (of the servers' time until both are done).
    """
    with pool(SHARED_SERVERS) as servers:
        places = _all(servers)
        ways = {
            "static partition": (places[:1], places[1:]),
            "dynamic pool": (places, places),
        }
        units = _units_in(servers, piece_ms)
        measured = {name: partial(_two_tenants, servers, own, units) for name, own in ways.items()}
        _two_tenants(servers, ways["dynamic pool"], 1)  # warm
        return measure_rounds(measured, rounds=rounds, seed=seed, warm=False, progress=progress)


def _two_tenants(
    servers: Pool, own: tuple[list[str], list[str]], units: int
) -> Mapping[str, float]:
    start = time.perf_counter_ns()
    submitted = [
        servers.client.map(tasks.compute_and_tell, [units] * count, pure=False, workers=places)
        for places, count in zip(own, (BUSY, QUIET_TENANT), strict=True)
    ]
    busy, quiet = (servers.client.gather(one) for one in submitted)
    busy_ms, quiet_ms = (max(end for _, end in one) - start for one in (busy, quiet))
    both = max(busy_ms, quiet_ms)
    worked = sum(end - began for began, end in busy + quiet)
    return {
        "busy_ms": busy_ms / 1e6,
        "quiet_ms": quiet_ms / 1e6,
        "both_ms": both / 1e6,
        "utilization": worked / (SHARED_SERVERS * both),
    }


TENANTS = ("ana", "ben", "cem", "dia")
HOSTS = {f"{tenant}-{number}": 16 for tenant in TENANTS for number in (1, 2)}
STATIC = {tenant: [host for host in HOSTS if host.startswith(tenant)] for tenant in TENANTS}
HALF = {
    tenant: [f"{tenant}-1", *(host for host in HOSTS if host.endswith("-2"))] for tenant in TENANTS
}
DAY_H, APART_H = 24.0, 6.0
LOADS = (20, 40, 60, 80, 100)
MEAN_SIZE, MEAN_HOURS = 3.4, 2.0


def per_day(load: float) -> float:
    """Return how many machines a tenant must ask for in a day to want a share of its own hosts."""
    own = sum(HOSTS[host] for host in STATIC[TENANTS[0]])
    return load / 100 * own * DAY_H / (MEAN_SIZE * MEAN_HOURS)


@experiment(f"{CHAPTER}/allocation", simulated=True, claims=["C030"])
def allocation(loads: Sequence[float] = LOADS, days: int = 20, seed: int = 1) -> pd.DataFrame:
    """Serve four tenants' requests for machines from two hosts each, or from one pool of eight.

    Args:
        loads: what each tenant wants on average, in percent of its own two hosts.
        days: how many days are drawn for each point.
        seed: of the first day.

    Returns:
        One row a day, load and case: condition (static or dynamic; the peaks apart or together),
        load, requests, refused, refused_percent, utilization_percent (of the day's 24 hours, which
        begin with empty hosts).
    """
    rows = []
    for peaks, apart in (("apart", APART_H), ("together", 0.0)):
        for load in loads:
            for day in range(days):
                wanted = daily_requests(
                    TENANTS, seed + day, per_day(load), mean_hours=MEAN_HOURS, hours_apart=apart
                )
                for way, partition in (("static", STATIC), ("dynamic", None)):
                    served = serve(wanted, HOSTS, partition, "best")
                    rows.append(
                        {
                            "condition": f"{way}, {peaks}",
                            "load": load,
                            "day": day,
                            "requests": len(wanted),
                            "refused": len(served.refused),
                            "refused_percent": 100 * len(served.refused) / max(1, len(wanted)),
                            "utilization_percent": _used_percent(served),
                        }
                    )
    return pd.DataFrame(rows)


def _used_percent(served: Service) -> float:
    """Return what the machines used of all hosts from hour 0 to hour 24, in percent."""
    gib_hours = sum(
        machine.size * (min(DAY_H, machine.start + machine.duration) - machine.start)
        for machine in served.placed
    )
    return 100 * gib_hours / (sum(HOSTS.values()) * DAY_H)


@experiment(f"{CHAPTER}/greedy", simulated=True, claims=["C030"])
def greedy(load: float = 40, times: float = 6, days: int = 20, seed: int = 1) -> pd.DataFrame:
    """Let one of the four tenants ask for six times as much as the others, in three allocations.

    Half and half: each tenant has one host for itself, and the other four are common.

    Returns:
        One row a day, allocation and tenant: condition, tenant, who ("greedy", "modest"),
        requests, refused_percent; utilization_percent of all hosts.
    """
    rows = []
    rates = [per_day(load) * (times if tenant == TENANTS[0] else 1) for tenant in TENANTS]
    ways = {"static partition": STATIC, "half and half": HALF, "dynamic pool": None}
    for day in range(days):
        wanted = daily_requests(TENANTS, seed + day, rates, mean_hours=MEAN_HOURS)
        for way, partition in ways.items():
            served = serve(wanted, HOSTS, partition, "best")
            for tenant in TENANTS:
                refused = _of(tenant, served.refused)
                rows.append(
                    {
                        "condition": way,
                        "tenant": tenant,
                        "who": "greedy" if tenant == TENANTS[0] else "modest",
                        "day": day,
                        "requests": _of(tenant, wanted),
                        "refused_percent": 100 * refused / max(1, _of(tenant, wanted)),
                        "utilization_percent": _used_percent(served),
                    }
                )
    return pd.DataFrame(rows)


def _of(tenant: str, requests: Sequence[Request]) -> int:
    return sum(request.tenant == tenant for request in requests)
