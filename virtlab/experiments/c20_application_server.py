"""Experiments of chapter 20: several application servers on one machine, and one of them dies.

All servers, balancers and clients are real processes that talk HTTP over 127.0.0.1.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Any

import pandas as pd

from virtlab import host
from virtlab.experiments import serving
from virtlab.experiments.serving import NAMES, Instances, Load, Reply, balancer
from virtlab.measure.rounds import measure_rows
from virtlab.models import autoscaler
from virtlab.models.queues import corrected_latencies, poisson_arrivals
from virtlab.registry import Measurement, RegistryError, experiment
from virtlab.resources import cgroups
from virtlab.runtimes import RUNTIMES
from virtlab.runtimes.base import pss_with_children

CHAPTER = "20-application-server"
MIB = 1 << 20
Row = dict[str, Any]

# --- turns: several servers, one address ----------------------------------------------------------


@experiment(f"{CHAPTER}/turns", needs=[host.loopback], claims=["C073"])
def turns(instances: int = 3, requests: int = 12) -> pd.DataFrame:
    """Ask one address again and again, and see which of several server processes answers.

    Returns:
        One row an instance: condition (its name), pid, port, answers, memory_mib (PSS), balancer.
    """
    with ExitStack() as stack:
        ours = stack.enter_context(Instances(NAMES[:instances]))
        port = stack.enter_context(balancer(ours.ports))
        load = stack.enter_context(Load())
        replies = load.open_loop([(port, "/who", 0.01 * number) for number in range(requests)])
        answers = Counter(reply.name for reply in replies)
        return pd.DataFrame(
            [
                {
                    "condition": name,
                    "pid": ours.pid(name),
                    "port": ours.ports[name],
                    "answers": answers[name],
                    "memory_mib": _mib(ours.pid(name)),
                    "balancer": serving.balancers()[0],
                }
                for name in ours.names
            ]
        )


def _mib(pid: int) -> float:
    return (pss_with_children(pid) or math.nan) / MIB


# --- capacity: what one more instance adds --------------------------------------------------------

WAITING, COMPUTING = "waiting", "computing"
_PATHS = {WAITING: "/wait/10", COMPUTING: "/compute/10"}
CLIENTS = 8


@experiment(
    f"{CHAPTER}/capacity",
    needs=[host.loopback],
    claims=["C073", "C075"],
    recorded_with={"rounds": 4, "seconds": 0.5},
)
def capacity(
    instances: Sequence[int] = (1, 2, 4, 8),
    rounds: int = 2,
    seconds: float = 0.2,
    seed: int = 1,
    progress: bool = False,
) -> pd.DataFrame:
    """Let eight clients ask as fast as they can, with one to eight instances on this machine.

    Each instance serves one request at a time. A request waits for 10 ms, as for a database, or it
    computes for 10 ms of CPU time.

    Returns:
        One row a round, condition (`waiting` or `computing`) and number of instances: instances,
        answers_per_s, answered_by (how many of the instances answered), memory_mib (PSS of all).
    """

    def measure(kind: str, count: int) -> list[Row]:
        chosen = ours.names[:count]
        with balancer({name: ours.ports[name] for name in chosen}, most=1) as port:
            replies = load.crowd(port, _PATHS[kind], CLIENTS, seconds)
        done = [reply for reply in replies if reply.ok]
        row = {
            "condition": kind,
            "instances": count,
            "answers_per_s": len(done) / (max(reply.done for reply in done) / 1e6),
            "answered_by": len({reply.name for reply in done}),
            "memory_mib": sum(_mib(ours.pid(name)) for name in chosen),
        }
        return [row]

    conditions = {
        f"{kind}, {count}": partial(measure, kind, count) for kind in _PATHS for count in instances
    }
    with Load() as load, Instances(NAMES[: max(instances)]) as ours:
        return measure_rows(conditions, rounds=rounds, seed=seed, warm=False, progress=progress)


# --- policies: behind whom to queue ---------------------------------------------------------------

ROUND_ROBIN, LEAST, ONE_QUEUE = "round robin", "least connections", "one queue"
_POLICIES: dict[str, dict[str, Any]] = {
    ROUND_ROBIN: {"policy": "roundrobin"},
    LEAST: {"policy": "leastconn"},
    ONE_QUEUE: {"policy": "roundrobin", "most": 1},
}
SHORT_MS, LONG_MS = 4, 100
SERVERS = 4


@experiment(
    f"{CHAPTER}/policies", needs=[host.loopback], claims=["C075"], recorded_with={"rounds": 3}
)
def policies(
    requests: int = 120,
    per_s: float = 110.0,
    rounds: int = 1,
    seed: int = 1,
    progress: bool = False,
) -> pd.DataFrame:
    """Send short and long requests to four instances, by three rules of the balancer.

    One in eight requests is long (100 ms of waiting), the others are short (4 ms). They come at
    random moments in an open loop, in each round the same ones for every rule.

    Returns:
        One row a round, condition (the rule) and short request: latency_ms, from the moment when
        it should have been sent; late_ms, how much later than that it was sent.
    """
    drawn = {name: random.Random(seed) for name in _POLICIES}

    def measure(name: str) -> list[Row]:
        draw = drawn[name]
        arrivals = poisson_arrivals(per_s, requests, draw.randrange(1 << 30))
        times = [LONG_MS if draw.random() < 1 / 8 else SHORT_MS for _ in arrivals]
        with balancer(ours.ports, **_POLICIES[name]) as port:
            plan = [(port, f"/wait/{ms}", at) for ms, at in zip(times, arrivals, strict=True)]
            replies = load.open_loop(plan)
        return [
            {
                "latency_ms": round(reply.latency_ms, 3),
                "late_ms": round((reply.sent - reply.at) / 1e3, 2),
            }
            for reply, ms in zip(replies, times, strict=True)
            if ms == SHORT_MS and reply.ok
        ]

    with Load() as load, Instances(NAMES[:SERVERS]) as ours:
        return measure_rows(
            {name: partial(measure, name) for name in _POLICIES},
            rounds=rounds,
            seed=seed,
            warm=False,
            progress=progress,
        )


# --- omission: who holds the stopwatch ------------------------------------------------------------

OPEN, CLOSED = "open loop", "closed loop"
INTERVAL_MS = 4.0
STALL_AT_S, STALL_S = 0.4, 0.3


@experiment(f"{CHAPTER}/omission", needs=[host.loopback], recorded_with={"rounds": 2})
def omission(
    seconds: float = 1.5, rounds: int = 1, seed: int = 1, progress: bool = False
) -> pd.DataFrame:
    """Stop a server for 300 ms under load, and measure latency in an open and in a closed loop.

    Both send a request each 4 ms. The open loop does so whatever happens, and measures from the
    moment when a request should have been sent. The closed loop waits for each answer before it
    sends the next request, and measures from the moment when it sent it.

    Returns:
        One row a round, condition (`open loop` or `closed loop`) and request, in the order of
        sending: at_ms (when it was sent, from the start), latency_ms.
    """
    interval = INTERVAL_MS / 1e3

    def measure(kind: str) -> list[Row]:
        port = ours.ports["a"]
        with ExitStack() as still:
            events: list[tuple[float, Callable[[], object]]] = [
                (STALL_AT_S, lambda: still.enter_context(ours.standing_still("a"))),
                (STALL_AT_S + STALL_S, still.close),
            ]
            if kind == OPEN:
                plan = [
                    (port, "/wait/0.2", number * interval)
                    for number in range(int(seconds / interval))
                ]
                replies = load.open_loop(plan, events)
            else:
                replies = load.closed_loop(port, "/wait/0.2", interval, seconds, events)
        return [
            {
                "at_ms": round(reply.sent / 1e3, 2),
                "latency_ms": round(reply.latency_ms if kind == OPEN else reply.service_ms, 3),
            }
            for reply in replies
            if reply.ok
        ]

    with Load() as load, Instances("a") as ours:
        return measure_rows(
            {kind: partial(measure, kind) for kind in (OPEN, CLOSED)},
            rounds=rounds,
            seed=seed,
            warm=False,
            progress=progress,
        )


CORRECTED = "closed loop, corrected"


def with_corrected(m: Measurement) -> Measurement:
    """Add to `omission` the closed loop's latencies, with those back-filled that it left out."""
    rows = []
    for (number, source), own in m.data[m.data["condition"] == CLOSED].groupby(["round", "source"]):
        corrected = corrected_latencies(own["latency_ms"].tolist(), INTERVAL_MS)
        rows += [
            {"round": number, "condition": CORRECTED, "latency_ms": ms, "source": source}
            for ms in corrected
        ]
    return replace(m, data=pd.concat([m.data, pd.DataFrame(rows)], ignore_index=True))


# --- outage: one of five dies ---------------------------------------------------------------------

ONE, TWO, FIVE = "1 instance", "2 instances", "5 instances"
UNCHECKED, RETRIED, HOST = "5, unchecked", "5, with retries", "5, all die"
_CHECK_MS = 100
_OUTAGES: dict[str, tuple[int, dict[str, Any]]] = {
    ONE: (1, {"check_ms": _CHECK_MS}),
    TWO: (2, {"check_ms": _CHECK_MS}),
    UNCHECKED: (5, {}),
    FIVE: (5, {"check_ms": _CHECK_MS}),
    RETRIED: (5, {"check_ms": _CHECK_MS, "retries": 3}),
    HOST: (5, {"check_ms": _CHECK_MS, "retries": 3}),
}
KILL_S, RESTART_S, END_S = 0.25, 0.65, 0.9


@experiment(
    f"{CHAPTER}/outage", needs=[host.loopback], claims=["C075"], recorded_with={"rounds": 3}
)
def outage(
    per_s: float = 100.0,
    only: Sequence[str] = tuple(_OUTAGES),
    rounds: int = 1,
    seed: int = 1,
    progress: bool = False,
) -> pd.DataFrame:
    """Kill an instance under open-loop load and start it again, with one, two and five of them.

    Each request needs 4 ms of waiting. An instance is killed after 0.25 s and started again
    at 0.65 s. The balancer looks every 100 ms who listens (not in `5, unchecked`). With retries it
    sends a request that got no answer to another instance. In `5, all die` all five are killed at
    once, as when the machine below them fails.

    Returns:
        One row a round, condition and request: at_s (when it should have been sent), failed (0 or
        1), latency_ms (from that moment to the answer, or to the error).
    """
    plans = {name: random.Random(seed) for name in _OUTAGES}

    def measure(name: str) -> list[Row]:
        count, settings = _OUTAGES[name]
        arrivals = poisson_arrivals(per_s, int(per_s * END_S), plans[name].randrange(1 << 30))
        chosen = ours.names[:count]
        victims = chosen if name == HOST else chosen[-1:]
        with balancer({one: ours.ports[one] for one in chosen}, **settings) as port:
            replies = load.open_loop(
                [(port, "/wait/4", at) for at in arrivals],
                [
                    (KILL_S, lambda: ours.kill(*victims)),
                    (RESTART_S, lambda: ours.restart(*victims)),
                ],
            )
        return [_request(reply) for reply in replies]

    with Load() as load, Instances(NAMES[:5]) as ours:
        return measure_rows(
            {name: partial(measure, name) for name in only},
            rounds=rounds,
            seed=seed,
            warm=False,
            progress=progress,
        )


def _request(reply: Reply) -> Row:
    return {
        "at_s": round(reply.at / 1e6, 3),
        "failed": int(not reply.ok),
        "latency_ms": round(reply.latency_ms, 2),
    }


# --- exhaustion: one eats all the memory ----------------------------------------------------------

APPS = ("shop", "mail", "blog", "wiki")
ONE_PROCESS, ONE_LIMIT, LIMIT_EACH = "one process", "one limit for all", "a limit each"
_CACHE_MIB, _BITE_MIB = 136, 16
LIMITS_MIB = {"shop": 24, "mail": 160, "blog": 24, "wiki": 24}
LEAK_AT_S, LOOK_AT_S, LEAK_END_S = 0.2, 0.8, 1.0
SERVES, DEAD = "serves", "dead"


@experiment(
    f"{CHAPTER}/exhaustion", needs=[host.loopback, host.cgroup_controllers], claims=["C074"]
)
def exhaustion() -> pd.DataFrame:
    """Let one of four applications leak memory until the kernel kills, behind three kinds of wall.

    `shop` keeps 16 MiB more with each request. `mail` has a large cache, and that is in order. In
    `one process` all four are threads of one server, in `one limit for all` they are processes
    under one memory limit, in `a limit each` every one has its own. The limits add up to the same.

    Returns:
        One row a condition: shop, mail, blog, wiki ("serves" or "dead", at the end), oom_kills (by
        the kernel), served_before and served_after (the share of answered requests: of all before
        the leak, and of the three others at the end).
    """
    rows = []
    with Load() as load, cgroups.group("memory") as outer:
        for place, name in enumerate((ONE_PROCESS, ONE_LIMIT, LIMIT_EACH)):
            box = outer.child(f"box-{place}")
            limits = [box]
            with Instances(APPS, together=name == ONE_PROCESS) as ours:
                plan = _leaking(ours.ports)
                if name == LIMIT_EACH:
                    limits = [outer.child(app) for app in APPS]
                    for app, group in zip(APPS, limits, strict=True):
                        group.set_memory_limit(LIMITS_MIB[app] * MIB)
                        ours.put_into(group, app)
                else:
                    box.set_memory_limit(sum(LIMITS_MIB.values()) * MIB)
                    ours.put_into(box, *(APPS[:1] if name == ONE_PROCESS else APPS))
                load.open_loop([(ours.ports["mail"], f"/eat/{_CACHE_MIB}", 0.0)])
                replies = load.open_loop(plan)
                fates = {app: SERVES if ours.lives(app) else DEAD for app in APPS}
            kills = sum(group.oom_kills() for group in limits)
            apps = {port: app for app, port in ours.ports.items()}
            told = [
                (apps[port], at, reply.ok)
                for (port, _, at), reply in zip(plan, replies, strict=True)
            ]
            before = [ok for _, at, ok in told if at < LEAK_AT_S]
            after = [ok for app, at, ok in told if at >= LOOK_AT_S and app != "shop"]
            rows.append(
                {
                    "condition": name,
                    **fates,
                    "oom_kills": kills,
                    "served_before": sum(before) / len(before),
                    "served_after": sum(after) / len(after),
                }
            )
    return pd.DataFrame(rows)


def _leaking(ports: Mapping[str, int]) -> list[tuple[int, str, float]]:
    """The requests: 50 a second to each application; from a moment on those to `shop` leak."""
    plan: list[tuple[int, str, float]] = []
    moments = [number / 50 for number in range(int(LEAK_END_S * 50))]
    for at in moments:
        plan += [
            (
                ports[app],
                f"/eat/{_BITE_MIB}" if app == "shop" and at >= LEAK_AT_S else "/wait/1",
                at,
            )
            for app in APPS
        ]
    return plan


# --- bursts: replicas that are needed now ---------------------------------------------------------

ON_TIME = ("posix_spawn", "python", "jvm", "namespaces", "runc", "qemu-tcg")
SLOW = ("qemu-tcg-linux",)
BURST = 4


@experiment(
    f"{CHAPTER}/bursts",
    claims=["C080"],
    recorded_with={"rounds": 4, "only": ON_TIME + SLOW},
)
def bursts(
    only: Sequence[str] | None = None,
    replicas: int = BURST,
    rounds: int = 2,
    seed: int = 1,
    progress: bool = False,
) -> pd.DataFrame:
    """Start four replicas at once, by each technology, and see when each of them is ready.

    Ready means: the program in it has given its first reply. By default the technologies of
    `ON_TIME` are started; those of `SLOW` come from the recording.

    Returns:
        One row a round, condition (the technology) and replica: replica (1 is the first to be
        ready), ready_ms (from the first call), accelerator.

    Raises:
        RegistryError: if there is no technology of a name.
    """
    failed = {}
    if only is None:
        only = ON_TIME
        failed = dict.fromkeys(SLOW, "too slow to be started in a lesson")
    conditions: dict[str, Callable[[], Iterable[Row]]] = {}
    for name in only:
        if name not in RUNTIMES:
            raise RegistryError(f"no runtime named {name!r}; there are: {', '.join(RUNTIMES)}")
        if available := RUNTIMES[name].available():
            conditions[name] = partial(_burst, name, replicas)
        else:
            failed[name] = available.why
    data = measure_rows(conditions, rounds=rounds, seed=seed, progress=progress)
    data.attrs["failed"] = failed | data.attrs["failed"]
    return data


def _burst(name: str, replicas: int) -> list[Row]:
    lives = RUNTIMES[name].run_many(replicas)
    called = min(life["call"] for life in lives)
    ready = sorted((life["first_reply"] - called) / 1e6 for life in lives)
    return [
        {
            "replica": number,
            "ready_ms": round(ms, 3),
            "accelerator": RUNTIMES[name].accelerator,
        }
        for number, ms in enumerate(ready, start=1)
    ]


def late_replicas(m: Measurement, deadlines_ms: Sequence[float]) -> pd.DataFrame:
    """Count how many of a burst's replicas were not ready in time, on average over the bursts.

    Returns:
        One row a technology, and in the column of each deadline the late replicas of a burst.
    """
    size = m.data.groupby("condition", sort=False)["replica"].max()
    late = {}
    for ms in deadlines_ms:
        share = (m.data["ready_ms"] > ms).groupby(m.data["condition"], sort=False).mean()
        late[f"late after {ms:g} ms"] = share * size
    return pd.DataFrame(late).rename_axis("condition").reset_index()


TICK_MS, PER_TICK = 10, 5.0


def day(bursts: int = 2, quiet: int = 30, busy: int = 100) -> list[float]:
    """A load with bursts, in requests a tick: quiet for a while, busy for a while, and again."""
    return ([PER_TICK] * quiet + [PER_TICK * (1 + BURST)] * busy) * bursts + [PER_TICK] * quiet


def follow(m: Measurement, load: Sequence[float]) -> Measurement:
    """Let an autoscaler follow a load, with replicas that start as slowly as those of `bursts`.

    The starts are measured, the load and the autoscaler are a model (`models.autoscaler`). A
    replica takes as long as the slowest one of a burst, the median over the bursts.

    Returns:
        The measurement with one row a condition and tick: ms, wanted, ready, unserved (requests).
    """
    rows = []
    for name, own in m.data.groupby("condition", sort=False):
        start_ms = own.loc[own["replica"] == own["replica"].max(), "ready_ms"].median()
        ticks = math.ceil(start_ms / TICK_MS)
        for number, tick in enumerate(autoscaler.replicas(load, ticks, PER_TICK)):
            rows.append(
                {
                    "condition": name,
                    "ms": number * TICK_MS,
                    "load": load[number],
                    "wanted": tick.wanted,
                    "ready": tick.ready,
                    "unserved": tick.unserved,
                    "source": own["source"].iloc[0],
                    "reason": "",
                }
            )
    return replace(m, data=pd.DataFrame(rows))
