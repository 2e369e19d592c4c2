"""Experiments of chapter 21: what consolidation buys, on paper and on this machine."""

from __future__ import annotations

import json
import math
import os
import random
import shutil
import socket
import statistics
import subprocess
import tarfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from virtlab import host, images, leftovers
from virtlab.experiments.programs.bookkeeper import record_line
from virtlab.experiments.running import (
    PATIENCE_S,
    PROGRAMS,
    kill,
    launched,
    line_of,
    program,
    start,
    tell,
)
from virtlab.host import find_tool
from virtlab.measure.rounds import measure_rounds
from virtlab.models.demand import daily_demand
from virtlab.models.packing import lower_bound, pack, pack_vectors
from virtlab.models.power import Server, break_even_months, energy_kwh, fleet_watts
from virtlab.registry import CannotMeasure, Measurement, experiment
from virtlab.runtimes import RuntimeFailed
from virtlab.runtimes.rooted import rooted

CHAPTER = "21-advantages"
Row = dict[str, Any]
Demand = Sequence[Sequence[float]]

# --- packing: a simulation ------------------------------------------------------------------------

WHOLE = 1000  # a server, in thousandths of itself
WORLDS = {"peaks together": 0.0, "peaks apart": 6.0}  # hours: standard deviation of the peak's hour
RULES = ("by averages", "by peaks", "by the hour")
SAMPLES = 48


def packed(demand: Demand, rule: str) -> list[list[int]]:
    """Pack machines onto servers that are as large as the ones that they came from.

    Args:
        demand: of each machine over a day, as parts of a server.
        rule: what a machine counts as: its average ("by averages"), its own peak ("by peaks"), or
            its whole day, so that only the sum on a server must fit at each moment ("by the hour").
    """
    if rule == "by averages":
        return pack([_thousandths(statistics.fmean(day)) for day in demand], WHOLE)
    if rule == "by peaks":
        return pack([_thousandths(max(day)) for day in demand], WHOLE)
    days = [[_thousandths(moment) for moment in day] for day in demand]
    return pack_vectors(days, [WHOLE] * len(days[0])) if days else []


def _thousandths(part: float) -> int:
    return min(WHOLE, math.ceil(WHOLE * part))


def _bound(demand: Demand, rule: str) -> int:
    """A number of servers that no packing by this rule can beat."""
    if rule == "by the hour":
        moments = zip(*demand, strict=True)
        return max(lower_bound([_thousandths(one) for one in moment], WHOLE) for moment in moments)
    size = statistics.fmean if rule == "by averages" else max
    return lower_bound([_thousandths(size(day)) for day in demand], WHOLE)


def _loads(demand: Demand, servers: Sequence[Sequence[int]]) -> list[list[float]]:
    """What is asked of each server over the day; 1 is all that it has."""
    return [
        [sum(moment) for moment in zip(*(demand[i] for i in each), strict=True)] for each in servers
    ]


@experiment(f"{CHAPTER}/packing", claims=["C076"], simulated=True)
def packing(machines: int = 60, days: int = 10, seed: int = 1) -> pd.DataFrame:
    """Simulate machines that move from a server each onto as few servers as a rule allows.

    Args:
        machines: how many, each on a server of its own so far.
        days: how many different days.
        seed: of the demand.

    Returns:
        One row a day, world and rule: round, condition, world, rule, servers, bound (no packing by
        this rule needs fewer), utilization (% of the servers that are still on, over the day),
        overloaded (% of the server-half-hours in which more is asked than there is), worst (what
        was asked of a server at the worst moment, over what it has).
    """
    rows = []
    for number in range(days):
        for world, hours in WORLDS.items():
            demand = daily_demand(machines, seed + number, SAMPLES, peak_spread=hours)
            alone = [[i] for i in range(machines)]
            for rule in ("a server each", *RULES):
                servers = packed(demand, rule) if rule in RULES else alone
                loads = [one for load in _loads(demand, servers) for one in load]
                rows.append(
                    {
                        "round": number,
                        "condition": f"{rule}, {world}",
                        "world": world,
                        "rule": rule,
                        "servers": len(servers),
                        "bound": _bound(demand, rule) if rule in RULES else machines,
                        "utilization": 100 * statistics.fmean(loads),
                        "overloaded": 100 * statistics.fmean(one > 1 + 1e-9 for one in loads),
                        "worst": max(loads),
                    }
                )
    return pd.DataFrame(rows)


@experiment(f"{CHAPTER}/busiest-server", claims=["C076"], simulated=True)
def busiest_server(machines: int = 60, seed: int = 1) -> pd.DataFrame:
    """Simulate one day on the server of which most is asked at its worst moment, for each rule.

    Args:
        machines: how many there are to pack.
        seed: of the demand, whose peaks come together.

    Returns:
        One row a rule and half-hour: condition, hour, asked (% of what the server has).
    """
    demand = daily_demand(machines, seed, SAMPLES, peak_spread=WORLDS["peaks together"])
    rows = []
    for rule in RULES:
        busiest = max(_loads(demand, packed(demand, rule)), key=max)
        for moment, asked in enumerate(busiest):
            rows.append({"condition": rule, "hour": 24 * moment / SAMPLES, "asked": 100 * asked})
    return pd.DataFrame(rows)


# --- power: a simulation fed by the packing -------------------------------------------------------

FLEETS = ("a server each", "packed, the others off", "packed, the others left on")


@experiment(f"{CHAPTER}/power", claims=["C085"], simulated=True)
def power(
    machines: int = 60,
    peak_watts: float = 300.0,
    idle_shares: Sequence[float] = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9),
    extra_load: float = 0.05,
    pue: float = 1.5,
    seed: int = 1,
) -> pd.DataFrame:
    """Simulate what a fleet draws over a day, before and after packing, by servers' idle power.

    Args:
        machines: how many.
        peak_watts: of one server at full load.
        idle_shares: what a server draws when idle, as parts of its peak; one after the other.
        extra_load: what virtualization adds to each demand, as a part of it.
        pue: the building's power over the servers'.
        seed: of the demand, whose peaks come apart. It is packed by the hour, and one server more
            is kept on in reserve.

    Returns:
        One row a fleet and idle share: condition, idle_percent (of peak), servers_on, kwh (a day,
        with cooling), saved (% of what a server each draws).
    """
    demand = daily_demand(machines, seed, SAMPLES, peak_spread=WORLDS["peaks apart"])
    more = [[min(1.0, one * (1 + extra_load)) for one in day] for day in demand]
    loads = [*_loads(more, packed(more, "by the hour")), [0.0] * SAMPLES]
    off = machines - len(loads)
    fleets = dict(
        zip(FLEETS, ((demand, 0, True), (loads, off, False), (loads, off, True)), strict=True)
    )
    rows = []
    for share in idle_shares:
        idle = peak_watts * share
        day = {}
        for name, (busy, spare, spare_on) in fleets.items():
            spares = [Server(idle, peak_watts, 0.0, is_on=spare_on)] * spare
            watts = (
                fleet_watts([Server(idle, peak_watts, min(1.0, one)) for one in now] + spares, pue)
                for now in zip(*busy, strict=True)
            )
            day[name] = energy_kwh(statistics.fmean(watts), 24)
        for name, (busy, spare, spare_on) in fleets.items():
            row: Row = {"condition": name, "idle_percent": 100 * share}
            row["servers_on"] = len(busy) + spare * spare_on
            row["kwh"] = day[name]
            row["saved"] = 100 * (1 - day[name] / day[FLEETS[0]])
            rows.append(row)
    return pd.DataFrame(rows)


# --- cost: a model --------------------------------------------------------------------------------

ASSUMED: dict[str, float] = {
    "server_price": 5000,  # bought anew after server_months
    "server_months": 60,
    "space_month": 60,  # rack, network port, insurance: for each server
    "care_month": 50,  # somebody's time: for each server that is on
    "kwh_price": 0.25,
    "peak_watts": 300,
    "idle_share": 0.5,
    "pue": 1.5,
    "licence_month": 150,  # virtualization software and support: for each server it runs on
    "storage_price": 20000,  # shared by all machines, once
    "move_price": 300,  # for each machine, once: plan, convert, test
    "spare_servers": 1,  # kept on in reserve, for the day when one dies
}


@experiment(f"{CHAPTER}/cost", claims=["C077"], simulated=True)
def cost(
    fleets: Sequence[int] = (5, 10, 20, 40, 80, 160), seed: int = 1, **assumed: float
) -> pd.DataFrame:
    """Compute, by a model, what fleets of several sizes cost a month, before and after packing.

    Args:
        fleets: numbers of machines.
        seed: of their demand, whose peaks come apart; they are packed by the hour.
        **assumed: what of `ASSUMED` shall be different; money in one currency, times in months.

    Returns:
        One row a fleet: condition, machines, servers (after), before_month, after_month,
        investment, break_even_months (infinite if never).

    Raises:
        ValueError: if there is no such assumption.
    """
    if unknown := assumed.keys() - ASSUMED.keys():
        raise ValueError(f"no such assumption: {', '.join(sorted(unknown))}")
    a = ASSUMED | assumed
    rows = []
    for machines in fleets:
        demand = daily_demand(machines, seed, SAMPLES, peak_spread=WORLDS["peaks apart"])
        loads = _loads(demand, packed(demand, "by the hour"))
        loads += [[0.0] * SAMPLES] * int(a["spare_servers"])
        before = _month(demand, 0.0, a)
        after = _month(loads, a["licence_month"], a)
        investment = a["storage_price"] + machines * a["move_price"]
        rows.append(
            {
                "condition": f"{machines} machines",
                "machines": machines,
                "servers": len(loads),
                "before_month": before,
                "after_month": after,
                "investment": investment,
                "break_even_months": break_even_months(investment, before, after),
            }
        )
    return pd.DataFrame(rows)


def _month(loads: Demand, licence: float, a: Mapping[str, float]) -> float:
    """What servers with these loads cost in a month."""
    idle = a["peak_watts"] * a["idle_share"]
    servers = [Server(idle, a["peak_watts"], min(1.0, statistics.fmean(load))) for load in loads]
    energy = energy_kwh(fleet_watts(servers, a["pue"]), 24 * 365 / 12) * a["kwh_price"]
    each = a["server_price"] / a["server_months"] + a["space_month"] + a["care_month"] + licence
    return len(servers) * each + energy


# --- restore a service ----------------------------------------------------------------------------

FAILURES = ("process killed", "data erased", "disk lost")
WAYS = ("start it again", "snapshot", "replica at once", "replica later", "backup")
OLD_RECORDS = 20_000
LAG_MS = 60


@experiment(f"{CHAPTER}/recovery", claims=["C082"], recorded_with={"rounds": 8})
def recovery(rounds: int = 1, seed: int = 1, progress: bool = False) -> pd.DataFrame:
    """Kill a service that writes records, in three ways, and bring it back in five.

    Each life starts with 20,000 old records. Then a client has records written, one by one, each
    acknowledged when it is on disk. A snapshot is taken about every 0.1 s (of files that no longer
    change: a second name for each), a backup about every 0.25 s (a compressed copy elsewhere).
    After 0.5 to 0.7 s, and after one of these at least, it happens: the process is killed; or a
    client erases all records, and the process is killed; or it is killed and its disk removed,
    snapshots included.

    Args:
        rounds: how often.
        seed: of the order and the moments.
        progress: show a progress bar.

    Returns:
        One row a life: round, order, condition (`way | failure`), acknowledged (records of this
        life), lost (those of them that were not there afterwards), loss_ms (from when the newest
        record that came back was sent to the failure; missing if none came back), point_ms (from
        the newest completed snapshot or backup to the failure; missing for other ways), outage_ms
        (from the failure to the next acknowledged record; missing if nothing was restored),
        outcome (`nothing lost`, `some lost`, `all lost`).
    """
    moments = random.Random(seed)
    conditions = {
        f"{way} | {failure}": partial(_life, way, failure, moments)
        for way in WAYS
        for failure in FAILURES
    }
    return measure_rounds(conditions, rounds=rounds, seed=seed, warm=False, progress=progress)


@dataclass(frozen=True)
class _Saved:
    """A completed snapshot or backup: of which moment, since when it is complete, and where."""

    state: float
    completed: float
    path: Path


@dataclass
class _Site:
    """The places of one service: its disk, a place for backups, and another one's disk."""

    folder: Path
    stack: ExitStack
    started: int = 0
    saved: list[_Saved] = field(default_factory=list)

    def place(self, *names: str) -> Path:
        path = self.folder.joinpath(*names)
        path.mkdir(parents=True, exist_ok=True)
        return path

    def start(self, records: Path, *more: object) -> tuple[subprocess.Popen[str], Path]:
        """Start a bookkeeper; return it when it serves, and where."""
        self.started += 1
        door = self.folder / f"door-{self.started}"
        process = start(program("bookkeeper.py", records, door, *more))
        self.stack.callback(kill, process)
        line_of(process)
        return process, door


class _Client:
    """A connection to a bookkeeper."""

    def __init__(self, door: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE_S)
        self.socket.connect(str(door))
        self.stream = self.socket.makefile("rw")

    def ask(self, request: str) -> str:
        self.stream.write(f"{request}\n")
        self.stream.flush()
        answer = self.stream.readline()
        if not answer:
            raise ConnectionError("the service is gone")
        return answer.strip()

    def close(self) -> None:
        with suppress(OSError):
            self.stream.close()
        self.socket.close()


def _life(way: str, failure: str, moments: random.Random) -> Row:
    """Let a service live, fail and come back."""
    lasts = moments.uniform(0.5, 0.7)
    with leftovers.own_folder() as folder, ExitStack() as stack:
        site = _Site(folder, stack)
        live = site.place("disk", "live")
        (live / "000001.log").write_bytes(record_line(0) * OLD_RECORDS)
        more: list[object] = []
        spare = None
        if way.startswith("replica"):
            copy = site.place("other disk", "live")
            shutil.copy(live / "000001.log", copy)
            _, spare = site.start(copy)
            more = [spare, LAG_MS if way == "replica later" else 0]
        process, door = site.start(live, *more)
        stop = threading.Event()
        saver = threading.Thread(target=_save, args=(site, way, door, stop))
        saver.start()
        try:
            client = _Client(door)
            stack.callback(client.close)
            saves = way in ("snapshot", "backup")
            acknowledged = _write(client, lasts, lambda: bool(site.saved) or not saves)
            failed = time.monotonic()  # what is completed later holds the harm, or is no use
            if failure == "data erased":
                client.ask("erase")
        finally:
            process.kill()
            stop.set()
        if failure == "disk lost":
            (site.folder / "disk").rename(site.folder / "scrap")
        saved = [one for one in site.saved if one.completed <= failed and one.path.exists()]
        numbers, outage = _restore(site, way, spare, saved)
        saver.join()
    kept = [moment for number, moment in acknowledged.items() if number in numbers]
    lost = len(acknowledged) - len(kept)
    row: Row = {"acknowledged": len(acknowledged), "lost": lost}
    row["loss_ms"] = 0.0 if not lost else 1000 * (failed - max(kept)) if kept else math.nan
    row["point_ms"] = 1000 * (failed - saved[-1].state) if saved else math.nan
    row["outage_ms"] = 1000 * (outage - failed) if outage and numbers else math.nan
    row["outcome"] = "all lost" if not kept else "some lost" if lost else "nothing lost"
    return row


def _write(client: _Client, lasts: float, ready: Callable[[], bool]) -> dict[int, float]:
    """Have records written so long, or until it is ready; return when each was sent.

    All of them were acknowledged. (The moment of that is seen late if this process has to wait.)
    """
    acknowledged = {}
    number = 0
    end = time.monotonic() + lasts
    while time.monotonic() < end or (not ready() and time.monotonic() < end + PATIENCE_S):
        number += 1
        sent = time.monotonic()
        client.ask(f"put {number}")
        acknowledged[number] = sent
        time.sleep(0.002)
    return acknowledged


def _save(site: _Site, way: str, door: Path, stop: threading.Event) -> None:
    """Take snapshots or backups until told to stop; what was not completed does not count."""
    if way not in ("snapshot", "backup"):
        return
    client = _Client(door)
    try:
        while not stop.wait(0.1 if way == "snapshot" else 0.25):
            client.ask("roll")
            state = time.monotonic()
            live = site.folder / "disk" / "live"
            files = sorted(live.iterdir())[:-1]  # the newest one still changes
            name = f"{len(site.saved):06}"
            if way == "snapshot":
                draft, final = site.place("disk", f"draft-{name}"), site.folder / "disk" / name
                for file in files:
                    os.link(file, draft / file.name)
            else:
                draft, final = site.place("elsewhere") / "draft", site.place("elsewhere") / name
                with tarfile.open(draft, "w:gz", compresslevel=1) as archive:
                    for file in files:
                        archive.add(file, file.name)
            draft.rename(final)
            site.saved.append(_Saved(state, time.monotonic(), final))
    except OSError:
        pass  # the service is gone
    finally:
        client.close()


def _restore(
    site: _Site, way: str, spare: Path | None, saved: list[_Saved]
) -> tuple[set[int], float | None]:
    """Bring the service back; return the records that it has, and when it acknowledged a new one.

    Where nothing is left to start from there are no records, and no moment.
    """
    if spare is None:
        live = site.folder / "disk" / "live"
        if way in ("snapshot", "backup"):
            if not saved:
                return set(), None
            live = site.place("new disk", "live")
            newest = saved[-1].path
            if newest.is_dir():
                for file in newest.iterdir():
                    os.link(file, live / file.name)
            else:
                with tarfile.open(newest) as archive:
                    for member in archive.getmembers():
                        source = archive.extractfile(member)
                        assert source is not None
                        (live / member.name).write_bytes(source.read())
        elif not live.is_dir():
            return set(), None
        _, spare = site.start(live)
    client = _Client(spare)
    try:
        client.ask(f"put {10**9}")
        moment = time.monotonic()
        numbers = {int(word) for word in client.ask("numbers").split()} - {10**9}
    finally:
        client.close()
    return numbers, moment


def outcomes(m: Measurement) -> Measurement:
    """Return the worst outcome of each way and failure: a row a way, a column a failure."""
    worse = ["nothing lost", "some lost", "all lost"]
    parts = m.data["condition"].str.split(" | ", regex=False, expand=True)
    data = m.data.assign(way=parts[0], failure=parts[1])
    rows = []
    for way in WAYS:
        own = data[data["way"] == way]
        row: Row = {"condition": way, "source": own["source"].iloc[0]}
        for failure in FAILURES:
            found = own.loc[own["failure"] == failure, "outcome"]
            row[failure] = max(found, key=worse.index) if len(found) else "not tried"
        rows.append(row)
    return replace(m, data=pd.DataFrame(rows))


# --- which hosts can take a guest -----------------------------------------------------------------

V1 = "cmov cx8 fpu fxsr mmx sse sse2"
V2 = "cx16 lahflm popcnt sse3 sse41 sse42 ssse3"
V3 = "abm avx avx2 bmi1 bmi2 f16c fma movbe xsave"
V4 = "avx512f avx512bw avx512cd avx512dq avx512vl"
LEVELS = {
    "v1": frozenset(V1.split()),
    "v2": frozenset(f"{V1} {V2}".split()),
    "v3": frozenset(f"{V1} {V2} {V3}".split()),
    "v4": frozenset(f"{V1} {V2} {V3} {V4}".split()),
}
MORE = (
    "adx aes clflushopt clwb clzero fsgsbase gfni hle mpx pclmulqdq pku rdpid rdrand rdseed rtm "
    "shani sse4a vaes vpclmulqdq avx512vnni avx512vbmi avx512vbmi2 avx512bitalg avx512vpopcntdq"
)
WATCHED = LEVELS["v4"] | frozenset(MORE.split())
MODELS = {
    "Conroe": 2006,
    "Nehalem": 2008,
    "SandyBridge": 2011,
    "Haswell": 2013,
    "Skylake-Server": 2017,
    "Cascadelake-Server": 2019,
    "Icelake-Server": 2021,
    "Opteron_G3": 2009,
    "EPYC": 2017,
    "EPYC-Rome": 2019,
    "EPYC-Milan": 2021,
}
HERE = "this machine"
TRANSLATOR = "QEMU's translator (TCG)"


@experiment(f"{CHAPTER}/processors", claims=["C084"])
def processors() -> pd.DataFrame:
    """Ask QEMU what each of its processor models has, and the kernel what this machine has.

    Returns:
        One row a processor: condition, year (0 for this machine and the translator), features
        (those of `WATCHED`, with spaces between), level (the highest of x86-64 v1 to v4 that it
        has all of), starts (1 if QEMU says that its translator offers all of the model, 0 if not,
        missing for this machine), missing (how many of all the model's features the translator
        lacks, reckoned from the sets).
    """
    rows: list[Row] = []
    flags = _own_flags()
    if flags:
        rows.append(_processor(HERE, 0, flags))
    with _qemu() as ask:
        known = {one["name"]: one for one in ask("query-cpu-definitions")}

        def features(name: str) -> set[str]:
            model = ask("query-cpu-model-expansion", type="full", model={"name": name})
            return {_plain(key) for key, value in model["model"]["props"].items() if value is True}

        offered = features("max")
        rows.append({**_processor(TRANSLATOR, 0, offered), "starts": 1, "missing": 0})
        for name, year in MODELS.items():
            if name in known:
                row = _processor(name, year, features(name))
                row["starts"] = int(not known[name]["unavailable-features"])
                row["missing"] = len(features(name) - offered)
                rows.append(row)
    data = pd.DataFrame(rows)
    data.attrs["failed"] = {} if flags else {HERE: "this machine is no x86-64"}
    return data


def _processor(name: str, year: int, features: set[str]) -> Row:
    kept = features & WATCHED
    return {
        "condition": name,
        "year": year,
        "features": " ".join(sorted(kept)),
        "level": level(kept),
    }


def level(features: set[str] | frozenset[str]) -> str:
    """Return the highest of x86-64's levels that lies within a set of features; "none" if none."""
    return next((name for name in reversed(LEVELS) if LEVELS[name] <= features), "none")


def _plain(name: str) -> str:
    """A feature's name as both QEMU and Linux would spell it without any signs."""
    plain = name.replace("-", "").replace("_", "").replace(".", "")
    return {"pni": "sse3"}.get(plain, plain)


def _own_flags() -> set[str]:
    """What the kernel says that this machine's processor has; empty if it is no x86."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("flags"):
                return {_plain(flag) for flag in line.partition(":")[2].split()}
    return set()


@contextmanager
def _qemu() -> Iterator[Callable[..., Any]]:
    """Start QEMU without a machine, and give what asks it."""
    qemu = find_tool("qemu-system-x86_64")
    if qemu is None:
        raise CannotMeasure("no qemu-system-x86_64 here; apt-get install qemu-system-x86")
    quiet = "-display none -monitor none -serial none -nodefaults"
    process = start([qemu, "-M", "none", "-accel", "tcg", *quiet.split(), "-qmp", "stdio"])

    def ask(command: str, **arguments: Any) -> Any:
        tell(process, json.dumps({"execute": command, "arguments": arguments}))
        while True:
            told = json.loads(line_of(process, "QEMU"))
            if "error" in told:
                raise RuntimeFailed(str(told["error"]["desc"]))
            if "return" in told:
                return told["return"]

    timer = threading.Timer(PATIENCE_S, process.kill)
    timer.start()
    try:
        ask("qmp_capabilities")
        yield ask
    finally:
        timer.cancel()
        kill(process)


def feature_sets(m: Measurement) -> dict[str, frozenset[str]]:
    """Return the features of each processor, by its name."""
    return {
        str(row["condition"]): frozenset(str(row["features"]).split())
        for row in m.data.to_dict("records")
    }


def moves(m: Measurement, names: Sequence[str]) -> Measurement:
    """Return which guests, each made for all that one processor has, can run on which others."""
    has = feature_sets(m)
    source = m.data.set_index("condition")["source"]
    rows = []
    for guest in names:
        row: Row = {"condition": f"made for {guest}", "source": source[guest]}
        for target in names:
            lacking = len(has[guest] - has[target])
            row[target] = "can move" if not lacking else f"lacks {lacking}"
        rows.append(row)
    return replace(m, data=pd.DataFrame(rows))


# --- from an image, and from source ---------------------------------------------------------------

SOURCE = PROGRAMS / "greeter"
NAME = "Ada Lovelace"
REPLY = f"hello {NAME}, your name has 2 words"
ROUTES = (
    "from source",
    "from source, no compiler",
    "from an image",
    "from an image, base is there",
)


@experiment(
    f"{CHAPTER}/deployment",
    needs=[host.namespaces],
    claims=["C086"],
    recorded_with={"rounds": 15},
)
def deployment(rounds: int = 3, seed: int = 1, progress: bool = False) -> pd.DataFrame:
    """Bring a small C program to a first reply: built from source, or pulled as an image.

    From source: unpack the archive, make, make check, make install, run. From an image: pull,
    unpack, run in a container. The image has two layers, busybox and the program; it was built
    before the stopwatch starts, once for all. It comes from a registry on this machine.

    Args:
        rounds: how often.
        seed: of the order.
        progress: show a progress bar.

    Returns:
        One row a deployment: round, order, condition, commands (to the first reply, or to the one
        that failed), fetched_kib (archive, or blobs), first_reply_ms (missing if it failed), reply
        (what came, or the last complaint), and done (1 or 0).
    """
    if not launched("namespaces").available():
        raise CannotMeasure("no containers here")
    compiler = find_tool("cc") or find_tool("gcc")
    if compiler is None or find_tool("make") is None:
        raise CannotMeasure("no C compiler or no make here; apt-get install gcc make libc6-dev")
    with leftovers.own_folder() as folder, ExitStack() as stack:
        archive = folder / "greeter.tar.gz"
        with tarfile.open(archive, "w:gz") as tar:
            for file in sorted(SOURCE.iterdir()):
                tar.add(file, f"greeter/{file.name}")
        try:
            layers, store = _image(folder), dict[str, bytes]()
            manifest = images.build(layers, ["/bin/greeter", NAME], store)
        except images.ImageError as error:
            raise CannotMeasure(str(error)) from None
        registry = stack.enter_context(images.Registry(store))
        registry.push("greeter:1", manifest)
        base = manifest["layers"][0]["digest"]
        have = {base: store[base]}
        tools = _tools_without_compiler(folder)
        conditions: dict[str, Callable[[], Row]] = dict(
            zip(
                ROUTES,
                (
                    partial(_from_source, archive, None),
                    partial(_from_source, archive, tools),
                    partial(_from_image, registry, {}),
                    partial(_from_image, registry, have),
                ),
                strict=True,
            )
        )
        return measure_rounds(conditions, rounds=rounds, seed=seed, progress=progress)


def _image(folder: Path) -> list[bytes]:
    """Build the program, and pack it and what it stands on."""
    place = folder / "built"
    shutil.copytree(SOURCE, place)
    if why := _fails(["make", "greeter"], place):
        raise CannotMeasure(f"the program cannot be built here: {why}")
    base: dict[str, Any] = dict(images.programs("busybox"))
    return [images.pack(base), images.pack({"/bin/greeter": place / "greeter"})]


def _tools_without_compiler(folder: Path) -> Path:
    """A folder with the tools of a host that has make and a shell, but no compiler."""
    tools = folder / "tools"
    tools.mkdir()
    for name in ("make", "sh", "tar", "gzip", "mkdir", "cp"):
        if path := find_tool(name):
            (tools / name).symlink_to(path)
    return tools


def _fails(command: Sequence[str], place: Path, tools: Path | None = None) -> str:
    """Run a command; return its last complaint if it fails, else nothing."""
    environment = {**os.environ, leftovers.OWNER_VARIABLE: leftovers.owner_mark()}
    environment |= {"LC_ALL": "C", "PREFIX": str(place / "installed")}
    for name in ("MAKEFLAGS", "MAKELEVEL", "CC", "CFLAGS"):
        environment.pop(name, None)
    if tools is not None:
        environment["PATH"] = str(tools)
    program = find_tool(command[0]) or command[0]
    done = subprocess.run(
        [program, *command[1:]],
        cwd=place,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    if done.returncode == 0:
        return ""
    complaints = (done.stderr or done.stdout).strip().splitlines()
    return next((line for line in complaints if line), f"status {done.returncode}")


def _from_source(archive: Path, tools: Path | None) -> Row:
    with leftovers.own_folder() as folder:
        begin = time.perf_counter_ns()
        steps = [
            (["tar", "xzf", str(archive)], folder),
            (["make"], folder / "greeter"),
            (["make", "check"], folder / "greeter"),
            (["make", "install"], folder / "greeter"),
        ]
        row: Row = {"commands": 0, "fetched_kib": archive.stat().st_size / 1024}
        for command, place in steps:
            row["commands"] += 1
            if why := _fails(command, place, tools):
                return {**row, "first_reply_ms": math.nan, "reply": why, "done": 0}
        row["commands"] += 1
        program = str(folder / "greeter" / "installed" / "bin" / "greeter")
        done = subprocess.run(
            [program, NAME], capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
        row["first_reply_ms"] = (time.perf_counter_ns() - begin) / 1e6
        return {**row, "reply": done.stdout.strip(), "done": int(done.stdout.strip() == REPLY)}


def _from_image(registry: images.Registry, have: Mapping[str, bytes]) -> Row:
    mine = dict(have)
    with leftovers.own_folder() as folder:
        root = folder / "root"
        root.mkdir()
        begin = time.perf_counter_ns()
        before = registry.sent
        manifest, _ = images.pull(registry.address, "greeter:1", mine)
        images.unpack(manifest, mine, root)
        with rooted(launched("namespaces"), root) as runtime:
            life = runtime.lives(1, ["/bin/greeter", NAME])[0]
        took = (time.perf_counter_ns() - begin) / 1e6
    reply = str(life["output"]).strip()
    fetched = (registry.sent - before) / 1024
    row: Row = {"commands": 3, "fetched_kib": fetched, "first_reply_ms": took}
    return {**row, "reply": reply, "done": int(reply == REPLY)}
