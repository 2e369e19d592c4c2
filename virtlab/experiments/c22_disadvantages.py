"""What virtualization costs: tolls by kind of work, licences, settings, walls, backups."""

from __future__ import annotations

import copy
import json
import mmap
import os
import random
import resource
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from virtlab import leftovers
from virtlab.container import rootfs
from virtlab.experiments.c12_hardware_level import tables_of
from virtlab.experiments.programs import toll
from virtlab.experiments.running import (
    kill,
    launched,
    line_of,
    output_of,
    program,
    qemu_img,
    qemu_io,
    start,
)
from virtlab.measure import recording
from virtlab.measure.folders import data_folder
from virtlab.measure.rounds import measure_rounds, measure_rows
from virtlab.models.blast_radius import blast_radius
from virtlab.models.licences import LicensedServer, Rule, licence_cost, licences
from virtlab.registry import CannotMeasure, Experiment, Measurement, experiment, load_all
from virtlab.resources import backups, cgroups
from virtlab.runtimes import RUNTIMES, RuntimeFailed, kvm
from virtlab.runtimes.containers import Namespaces
from virtlab.runtimes.launched import LaunchedRuntime

CHAPTER = "22-disadvantages"
MIB = 1 << 20
Row = dict[str, Any]


# --- the toll, by kind of work --------------------------------------------------------------------

# The column of each kind of work → its name, and what is counted.
KINDS = {
    "compute_ns": "compute (a turn of a loop)",
    "old_page_ns": "memory that is there (a read)",
    "new_page_ns": "new memory (a page)",
    "call_ns": "a system call (getppid)",
    "file_ns": "a file made, read, removed",
    "message_ns": "network (a loopback round trip)",
}
GUEST = "KVM guest, ring 3"
WALLS = ("container", "gVisor (ptrace)", GUEST)
_REGION_AT = 4 * MIB
_SMALL = 1 << 39  # where the guest sees the region in pages of 4 KiB


@experiment(f"{CHAPTER}/tolls", claims=["C087", "C088"], recorded_with={"rounds": 20})
def tolls(rounds: int = 5, seed: int = 1, progress: bool = False) -> pd.DataFrame:
    """Do the same six kinds of work natively and behind three walls, in interleaved rounds.

    Each measurement starts anew: process, container, gVisor or virtual machine. The start is not in
    the times. Each kind is done three times, and the least counts: what disturbs only adds. The
    guest has no kernel, so that it can compute and use memory, and nothing else.

    Returns:
        Columns round, order, condition (`native`, `container`, …), accelerator (of the guest), and
        nanoseconds for one piece of each kind of work: compute_ns, old_page_ns, new_page_ns,
        call_ns, file_ns, message_ns; missing where a kind cannot be done.
    """
    if os.uname().machine != "x86_64":
        raise CannotMeasure(f"the loops are x86-64 code; this is {os.uname().machine}")
    with leftovers.own_folder() as folder:
        # One root for all: another folder of the same disk can be slower or faster than this one.
        root, binds = _root_with_this_python(folder)
        native = partial(_by_program, launched("posix_spawn"), str(root / "tmp"))
        conditions: dict[str, Callable[[], dict[str, float]]] = {"native": native}
        failed = {}
        for name, runtime in (
            ("container", Namespaces(powerless=False)),
            ("gVisor (ptrace)", launched("gvisor")),
        ):
            if available := RUNTIMES[runtime.name].available():
                walled = _rooted(runtime, root, binds)
                conditions[name] = partial(_by_program, walled, "/tmp")
            else:
                failed[name] = available.why
        conditions[GUEST] = _by_guest
        data = measure_rounds(conditions, rounds=rounds, seed=seed, progress=progress)
    if data.empty:
        raise CannotMeasure("; ".join(data.attrs["failed"].values()))
    guest = data["condition"].eq(GUEST)
    behind = f"KVM ({kvm.backend()})" if guest.any() else ""
    data["accelerator"] = guest.map({True: behind, False: ""})
    data = data.reindex(columns=["round", "order", "condition", "accelerator", *KINDS]).round(3)
    data.attrs["failed"] = failed | data.attrs["failed"]
    return data


def _root_with_this_python(folder: Path) -> tuple[Path, list[str]]:
    """Make a root that shows this interpreter; return it, and the host's folders to bind in it."""
    root = folder / "root"
    root.mkdir()
    binds = rootfs.make_root(root, {})
    prefix = Path(sys.base_prefix).resolve()
    if not any(prefix.is_relative_to(bound) for bound in binds):
        (root / prefix.relative_to("/")).mkdir(parents=True)
        binds.append(str(prefix))
    return root, binds


def _rooted(runtime: LaunchedRuntime, root: Path, binds: list[str]) -> LaunchedRuntime:
    """Give the runtime this root; bundles and the like lie beside it."""
    launcher = copy.copy(runtime.launcher())  # the same warm helper
    launcher.root, launcher.binds, launcher.folder = root, binds, root.parent
    moved = copy.copy(runtime)
    moved.launcher = lambda: launcher  # type: ignore[method-assign]
    return moved


def _by_program(runtime: LaunchedRuntime, folder: str) -> dict[str, float]:
    python = os.path.realpath(sys.executable)
    text = Path(toll.__file__).read_text(encoding="utf-8")
    said = json.loads(output_of(runtime, [python, "-I", "-S", "-c", text, folder]))
    return {f"{kind}_ns": value for kind, value in said.items()}


def _by_guest() -> dict[str, float]:
    """The three kinds of work that need no kernel, by the same machine code in a guest."""
    chain_mib = toll.CHAIN * toll.PAGE // MIB
    memory = mmap.mmap(-1, _REGION_AT + chain_mib * MIB, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    with suppress(OSError):
        memory.madvise(mmap.MADV_NOHUGEPAGE)
    try:
        return {
            "compute_ns": _guest_ns("count", memory, toll.TURNS, rcx=toll.TURNS),
            "old_page_ns": _guest_ns("chase", memory, toll.STEPS, rbx=_SMALL, rcx=toll.STEPS),
            "new_page_ns": _guest_ns("touch", None, toll.PAGES, rbx=_REGION_AT, rcx=toll.PAGES),
        }
    finally:
        memory.close()


def _guest_ns(program: str, memory: mmap.mmap | None, events: int, **registers: int) -> float:
    """Run a program in ring 3 as often as the others do; the least ns an event.

    Args:
        program: the guest's.
        memory: to run it in; None gives it new memory each time.
        events: how many the registers ask for.
        registers: how it starts.
    """
    took = []
    for _ in range(toll.TRIES if memory is None else 1):
        with ExitStack() as stack:
            machine = stack.enter_context(_new_machine() if memory is None else _machine_on(memory))
            machine.start_in_long_mode(kvm.guest(program), 3, **registers)
            if program == "chase":
                _lay_chain(machine)
            start = machine.registers
            for _ in range(1 if memory is None else toll.TRIES + 1):
                machine.registers = start
                began = time.perf_counter_ns()
                machine.run()
                took.append((time.perf_counter_ns() - began) / events)
    return min(took)


def _new_machine() -> kvm.Machine:
    size = _REGION_AT + toll.PAGES * toll.PAGE
    machine = kvm.Machine(size + -size % (2 * MIB))
    with suppress(OSError):
        machine.memory.madvise(mmap.MADV_NOHUGEPAGE)
    return machine


def _machine_on(memory: mmap.mmap) -> kvm.Machine:
    return kvm.Machine(memory=memory)


def _lay_chain(machine: kvm.Machine) -> None:
    """Map the region in pages of 4 KiB, and write the ring of pointers into it."""
    tables = tables_of(machine.memory)
    for number in range(toll.CHAIN):
        tables.map(_SMALL + number * toll.PAGE, _REGION_AT + number * toll.PAGE)
    toll.write_chain(machine.memory, _SMALL, _REGION_AT)


def ratios(m: Measurement, seed: int = 1) -> pd.DataFrame:
    """Return how many times the native time each kind of work takes behind each wall.

    Columns: kind, wall, times, low, high (the ends of the 95 % interval, paired by round), source;
    NaN where a wall cannot do a kind of work.
    """
    rows = []
    for column, kind in KINDS.items():
        for wall in WALLS:
            seen = m.data.loc[m.data["condition"].eq(wall), column]
            if seen.dropna().empty:
                rows.append((kind, wall, *[float("nan")] * 3, "not measured here"))
                continue
            (low, times, high), source = m.ratio(wall, "native", column, seed)
            rows.append((kind, wall, times, low, high, source))
    return pd.DataFrame(rows, columns=["kind", "wall", "times", "low", "high", "source"])


def from_its_chapter(one: Experiment) -> Measurement:
    """Return what another chapter's experiment recorded, to refer to it without measuring again."""
    data, notes = recording.load(data_folder() / "recordings" / one.chapter, one.name)
    reason = f"measured by chapter {one.chapter[:2]}"
    return Measurement(
        data.assign(source="recorded", reason=reason), "recorded", reason, notes, one
    )


# --- what a licence counts (a model) --------------------------------------------------------------

Fleet = Sequence[LicensedServer]


@experiment(f"{CHAPTER}/licences", claims=["C089", "C090"], simulated=True)
def licence_prices(
    fleets: Mapping[str, Fleet] | None = None, rules: Mapping[str, Rule] | None = None
) -> pd.DataFrame:
    """Price the same virtual machines on several fleets of servers under several rules (a model).

    Args:
        fleets: the servers by the fleet's name.
        rules: how a vendor counts, and the price of a unit in coins, by the rule's name.

    Returns:
        Columns condition (the rule), fleet, units (to buy), coins.
    """
    fleets = FLEETS if fleets is None else fleets
    rules = RULES if rules is None else rules
    rows = [
        (rule, fleet, licences(servers, how), licence_cost(servers, how))
        for rule, how in rules.items()
        for fleet, servers in fleets.items()
    ]
    return pd.DataFrame(rows, columns=["condition", "fleet", "units", "coins"])


FLEETS: dict[str, Fleet] = {
    "12 small": [LicensedServer(1, 8, (2,) * 4)] * 12,
    "4 middling": [LicensedServer(2, 16, (2,) * 12)] * 4,
    "2 large": [LicensedServer(2, 64, (2,) * 24)] * 2,
}
RULES = {
    "per core": Rule("core", 55, least_per_socket=16),
    "per core, for 2 VMs": Rule("core", 10, least_per_socket=8, least_per_server=16, covers=2),
    "per socket": Rule("socket", 2500),
    "per VM": Rule("vm", 200),
    "per host": Rule("server", 4000),
}


# --- what grows with the number of machines -------------------------------------------------------


@experiment(f"{CHAPTER}/growth", claims=["C093"], simulated=True)
def growth(
    machines: Sequence[int] = (2, 5, 10, 20, 50, 100, 200), settings: int = 40, groups: int = 4
) -> pd.DataFrame:
    """Count what somebody must keep right as machines are added (arithmetic, a model).

    Args:
        machines: how many there are.
        settings: of one machine.
        groups: of machines with the same role, for rules that name groups.

    Returns:
        Columns condition (what is counted), machines, count.
    """
    counts: dict[str, Callable[[int], int]] = {
        "settings": lambda n: settings * n,
        "links between pairs": lambda n: n * (n - 1) // 2,
        "rules: who may call whom": lambda n: n * (n - 1),
        "rules that name groups": lambda n: min(groups, n) ** 2,
    }
    rows = [(name, n, count(n)) for name, count in counts.items() for n in machines]
    return pd.DataFrame(rows, columns=["condition", "machines", "count"])


DRIFTS = ("edited", "removed", "added", "opened to all")
_FILES = ("ssh/sshd_config", "sysctl.conf", "limits.conf", "app.json")


@experiment(f"{CHAPTER}/drift", claims=["C093"], recorded_with={"hosts": (10, 50, 250)})
def drift(hosts: Sequence[int] = (10, 50, 250), share: float = 0.1, seed: int = 1) -> pd.DataFrame:
    """Change real configuration files behind a reconciler's back; see what it finds and repairs.

    Args:
        hosts: how many folders of configuration files there are, one a host.
        share: of the files that are changed by hand.
        seed: decides which.

    Returns:
        One row a number of hosts and kind of change: condition (the kind), hosts, files, planted,
        found, false_alarms, left (found by a second look after the repair), look_ms.
    """
    rows: list[Row] = []
    for count in hosts:
        with leftovers.own_folder() as folder:
            wanted = {name: text for host in range(count) for name, text in _wanted(host)}
            for name, text in wanted.items():
                _write(folder / name, text)
            planted = _drift_by_hand(folder, wanted, share, random.Random(seed + count))
            began = time.perf_counter()
            found = differences(folder, wanted)
            look_ms = 1e3 * (time.perf_counter() - began)
            for name in found:
                _repair(folder / name, wanted.get(name))
            left = differences(folder, wanted)
        for kind in DRIFTS:
            rows.append(
                {
                    "condition": kind,
                    "hosts": count,
                    "files": len(wanted),
                    "planted": sum(one == kind for one in planted.values()),
                    "found": sum(found.get(name) == one == kind for name, one in planted.items()),
                    "false_alarms": sum(
                        one == kind and planted.get(name) != kind for name, one in found.items()
                    ),
                    "left": sum(one == kind for one in left.values()),
                    "look_ms": round(look_ms, 3),
                }
            )
    return pd.DataFrame(rows)


def _wanted(host: int) -> Iterator[tuple[str, str]]:
    """The files that a host should have, by name: made from one template, as a real fleet's."""
    texts = (
        f"Port 22\nPermitRootLogin no\nListenAddress 10.0.{host // 250}.{host % 250 + 1}\n",
        "kernel.kptr_restrict = 2\nvm.swappiness = 10\n",
        "app soft nofile 4096\napp hard nofile 4096\n",
        json.dumps({"name": f"host-{host}", "workers": 2, "debug": False}) + "\n",
    )
    for name, text in zip(_FILES, texts, strict=True):
        yield f"host-{host:03}/{name}", text


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    file.chmod(0o600)


def _drift_by_hand(
    folder: Path, wanted: Mapping[str, str], share: float, chance: random.Random
) -> dict[str, str]:
    """Change some files as people do in a hurry; return which, and how."""
    chosen = chance.sample(sorted(wanted), max(len(DRIFTS), round(share * len(wanted))))
    planted = {}
    for number, name in enumerate(chosen):
        kind, file = DRIFTS[number % len(DRIFTS)], folder / name
        if kind == "edited":
            file.write_text(wanted[name].replace("no", "yes").replace("2", "3"), encoding="utf-8")
        elif kind == "removed":
            file.unlink()
        elif kind == "opened to all":
            file.chmod(0o666)
        else:
            name = f"{name}.old"
            _write(folder / name, wanted[name.removesuffix(".old")])
        planted[name] = kind
    return planted


def differences(folder: Path, wanted: Mapping[str, str]) -> dict[str, str]:
    """Return in what the files below a folder differ from those wanted: name → one of DRIFTS."""
    found = {}
    there = {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}
    for name in sorted(there | set(wanted)):
        file = folder / name
        if name not in wanted:
            found[name] = "added"
        elif name not in there:
            found[name] = "removed"
        elif file.read_text(encoding="utf-8") != wanted[name]:
            found[name] = "edited"
        elif file.stat().st_mode & 0o777 != 0o600:
            found[name] = "opened to all"
    return found


def _repair(file: Path, text: str | None) -> None:
    if text is None:
        file.unlink()
    else:
        _write(file, text)


# --- one application, five configurations ---------------------------------------------------------

REQUESTS = 100
_INTERVAL_MS, _CPU_MS, _CACHE_KIB = 6, 2, 512
# Name → cores, MiB of memory, open files; None leaves the limit away.
CONFIGURATIONS: dict[str, tuple[float | None, int | None, int | None]] = {
    "no limits": (None, None, None),
    "limits from a measurement": (1.0, 192, 256),
    "too little CPU": (0.2, 192, 256),
    "too little memory": (1.0, 32, 256),
    "too few open files": (1.0, 192, 64),
}


@experiment(f"{CHAPTER}/configurations", claims=["C094"], recorded_with={"rounds": 3})
def configurations(rounds: int = 1, seed: int = 1, progress: bool = False) -> pd.DataFrame:
    """Run one small service under five configurations; see what becomes of its requests.

    A request needs 2 ms of CPU time, 512 KiB more of memory and an open file; one comes every 6 ms.
    Memory and CPU time are limited by a control group, open files by an rlimit.

    Returns:
        One row a round, condition and request: request, batch (its twenty), response_ms (from the
        moment that was meant for it; missing if it was lost), outcome (`answered`, `refused`, or
        `lost` with the service), throttled_ms and kills (of the whole run, as the kernel counted).
    """
    conditions = {name: partial(_serve, *limits) for name, limits in CONFIGURATIONS.items()}
    data = measure_rows(conditions, rounds=rounds, seed=seed, warm=False, progress=progress)
    if data.empty:
        raise CannotMeasure("; ".join(data.attrs["failed"].values()))
    return data


def _serve(cores: float | None, mib: int | None, files: int | None) -> Iterable[Row]:
    throttled_ms, kills = 0.0, 0
    with ExitStack() as stack:
        group = None
        if cores or mib:
            group = stack.enter_context(cgroups.group("cpu", "memory")).child("service")
            if cores:
                group.set_cpu_quota(cores)
            if mib:
                group.set_memory_limit(mib * MIB)
        service = stack.enter_context(_service())
        if files:
            resource.prlimit(service.pid, resource.RLIMIT_NOFILE, (files, files))
        if group:
            group.add(service.pid)
        told = _ask(service)
        if group:
            throttled_ms, kills = group.throttling().throttled_ms, group.oom_kills()
    for number in range(REQUESTS):
        response_ms, outcome = told.get(number, (float("nan"), "lost"))
        yield {
            "request": number,
            "batch": number // 20 * 20,
            "response_ms": response_ms,
            "outcome": outcome,
            "throttled_ms": round(throttled_ms, 1),
            "kills": kills,
        }


@contextmanager
def _service() -> Iterator[subprocess.Popen[str]]:
    """The service, ready; gone after the block."""
    process = start(program("small_app.py", REQUESTS, _INTERVAL_MS, _CPU_MS, _CACHE_KIB))
    try:
        line_of(process)
        yield process
    finally:
        kill(process)


def _ask(service: subprocess.Popen[str], patience_s: float = 20.0) -> dict[int, tuple[float, str]]:
    """Let the service go, and return what it said of each request before it ended."""
    assert service.stdin
    assert service.stdout
    service.stdin.write("go\n")
    service.stdin.close()
    service.stdin = None
    told, text, deadline = {}, "", time.monotonic() + patience_s
    while select.select([service.stdout], [], [], max(0.0, deadline - time.monotonic()))[0]:
        piece = os.read(service.stdout.fileno(), 65536).decode()
        if not piece:
            break
        text += piece
    for line in text.splitlines():
        number, response_ms, outcome = line.split()
        told[int(number)] = (float(response_ms), outcome)
    return told


def service_levels(data: pd.DataFrame, within_ms: float = 200.0) -> pd.DataFrame:
    """Return for each configuration what share of its requests was answered in time, and why not.

    Columns: condition, in_time, late, refused, lost (percent), slowest_ms (of those answered),
    throttled_ms, kills (medians of the rounds).
    """
    rows = []
    for name, group in data.groupby("condition", sort=False):
        answered = group["outcome"].eq("answered")
        in_time = answered & group["response_ms"].le(within_ms)
        shares = [
            in_time,
            answered & ~in_time,
            *(group["outcome"].eq(w) for w in ("refused", "lost")),
        ]
        told = [100 * float(share.mean()) for share in shares]
        slowest = group.loc[answered, "response_ms"].max()
        rows.append((name, *told, slowest, group["throttled_ms"].median(), group["kills"].median()))
    names = ["in_time", "late", "refused", "lost", "slowest_ms", "throttled_ms", "kills"]
    return pd.DataFrame(rows, columns=["condition", *names])


# --- how far an attacker gets (a model) -----------------------------------------------------------

Graph = Mapping[str, Iterable[str]]
CLOUD: dict[str, list[str]] = {
    "web shop": ["host 1", "shop database"],
    "shop database": ["host 1"],
    "mail": ["host 1"],
    "payroll": ["host 2"],
    "wiki": ["host 2"],
    "host 1": ["web shop", "shop database", "mail", "management"],
    "host 2": ["payroll", "wiki", "management"],
    "management": ["host 1", "host 2", "backups"],
    "backups": [],
}
VMS = ("web shop", "shop database", "mail", "payroll", "wiki")


@experiment(f"{CHAPTER}/blast", claims=["C096"], simulated=True)
def blast(graph: Graph | None = None, start: str = "web shop") -> pd.DataFrame:
    """Follow an attacker from one virtual machine through a graph of who can take whom (a model).

    Args:
        graph: for each place those that whoever controls it can take.
        start: what the attacker has.

    Returns:
        Columns condition (which doors are closed), step, taken (places, the start too), last (what
        falls in this step).
    """
    graph = CLOUD if graph is None else graph
    closed: dict[str, Callable[[str, str], bool]] = {
        "as it is": lambda here, there: False,
        "hypervisor patched": lambda here, there: here in VMS and there.startswith("host"),
        "management walled off": lambda here, there: there == "management",
    }
    closed["both"] = lambda here, there: any(
        closed[one](here, there) for one in ("hypervisor patched", "management walled off")
    )
    rows = []
    for name, is_closed in closed.items():
        open_doors = {
            here: [there for there in targets if not is_closed(here, there)]
            for here, targets in graph.items()
        }
        steps = blast_radius(open_doors, start)
        for step in range(5):
            new = [place for place, at in steps.items() if at == step]
            taken = sum(at <= step for at in steps.values())
            rows.append((name, step, taken, ", ".join(new) or "–"))
    return pd.DataFrame(rows, columns=["condition", "step", "taken", "last"])


# --- chains of backups ----------------------------------------------------------------------------

DAYS = 7
FULL_ON = (0, 5)
BAD_DAY = 3
RIGHT, REFUSED, WRONG = "right", "refused", "WRONG"
_BLOCKS, _CLUSTER = 24, 65536


@experiment(f"{CHAPTER}/chains", claims=["C098"])
def chains() -> pd.DataFrame:
    """Save a disk for a week, damage the backup of one day, and restore every day.

    Full backups are made on days 0 and 5, incremental ones on the others. Ours are plain files;
    with qcow2 an increment is an overlay, as many tools make it.

    Returns:
        One row a condition: day_0 … day_6 (what a restore of that day gives: `right`, `refused`, or
        `WRONG`: something else, and no word about it), first_word (what the first refusal says),
        check (what the format's own check says about the damaged file).
    """
    rows, failed = [], {}
    with leftovers.own_folder() as folder:
        days = _disks()
        for damage in ("none", "missing", "corrupt"):
            for checked in (True, False) if damage == "corrupt" else (True,):
                place = folder / f"{damage}-{checked}"
                place.mkdir()
                rows.append(_files_chain(place, days, damage, checked))
        try:
            master = folder / "qcow2"
            master.mkdir()
            _make_overlays(master, days)
            for damage in ("none", "missing", "corrupt"):
                place = folder / f"qcow2-{damage}"
                shutil.copytree(master, place)
                rows.append(_overlay_chain(place, days, damage))
        except (CannotMeasure, RuntimeFailed) as error:
            rows = [row for row in rows if not row["condition"].startswith("qcow2")]
            failed = dict.fromkeys(
                (f"qcow2, {_words(damage)}" for damage in ("none", "missing", "corrupt")),
                str(error),
            )
    data = pd.DataFrame(rows)
    data.attrs["failed"] = failed
    return data


def _words(damage: str) -> str:
    return "nothing damaged" if damage == "none" else f"day {BAD_DAY} {damage}"


def _disks() -> list[list[int]]:
    """For each day the byte that fills each block of the disk. What day 3 wrote first stays."""
    disk = [1 + number for number in range(_BLOCKS)]
    days = [list(disk)]
    for day in range(1, DAYS):
        for number in (day, (5 * day) % 7 + 14):
            disk[number] = 100 + 10 * day + number % 7
        days.append(list(disk))
    return days


def _bytes(disk: Sequence[int], size: int) -> bytes:
    return b"".join(bytes([value]) * size for value in disk)


def _outcomes(
    days: Sequence[Sequence[int]], size: int, restore: Callable[[int], bytes]
) -> tuple[Row, str]:
    """Restore every day; return what came of it, and the first refusal."""
    row: Row = {}
    first = ""
    for day, disk in enumerate(days):
        try:
            same = restore(day) == _bytes(disk, size)
            row[f"day_{day}"] = RIGHT if same else WRONG
        except (backups.Damaged, RuntimeFailed) as error:
            row[f"day_{day}"] = REFUSED
            first = first or f"day {day}: {error}"
    return row, first


def _files_chain(folder: Path, days: list[list[int]], damage: str, checked: bool) -> Row:
    before = None
    for day, disk in enumerate(days):
        now = _bytes(disk, backups.BLOCK)
        full = day in FULL_ON
        parent = None if full else f"day-{day - 1}"
        backups.save(now, folder / f"day-{day}", None if full else before, parent)
        before = now
    bad = folder / f"day-{BAD_DAY}"
    if damage == "missing":
        bad.unlink()
    elif damage == "corrupt":
        _flip(bad, days[BAD_DAY][BAD_DAY], 64)
    row, first = _outcomes(
        days, backups.BLOCK, lambda day: backups.restore(folder / f"day-{day}", checked)
    )
    name = f"files, {_words(damage)}" + ("" if checked else ", no checksums")
    return {"condition": name, **row, "first_word": first, "check": ""}


def _flip(file: Path, value: int, length: int) -> None:
    """Change one byte of the data that consists of this value, as a failing disk might."""
    data = bytearray(file.read_bytes())
    data[data.index(bytes([value]) * length)] ^= 0xFF
    file.write_bytes(data)


def _make_overlays(folder: Path, days: list[list[int]]) -> None:
    raw = folder / "raw"
    for day, disk in enumerate(days):
        file = folder / f"day-{day}.qcow2"
        if day in FULL_ON:
            raw.write_bytes(_bytes(disk, _CLUSTER))
            qemu_img("convert", "-f", "raw", "-O", "qcow2", raw, file)
            raw.unlink()
            continue
        below = f"day-{day - 1}.qcow2"
        qemu_img("create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", below, file)
        for number, (old, new) in enumerate(zip(days[day - 1], disk, strict=True)):
            if old != new:
                qemu_io(file, f"write -P {new} {number * _CLUSTER} {_CLUSTER}")


def _overlay_chain(folder: Path, days: list[list[int]], damage: str) -> Row:
    bad = folder / f"day-{BAD_DAY}.qcow2"
    if damage == "missing":
        bad.unlink()
    elif damage == "corrupt":
        _flip(bad, days[BAD_DAY][BAD_DAY], 4096)

    def restore(day: int) -> bytes:
        out = folder / "restored"
        qemu_img("convert", "-O", "raw", folder / f"day-{day}.qcow2", out)
        return out.read_bytes()

    row, first = _outcomes(days, _CLUSTER, restore)
    check = "no such file" if damage == "missing" else qemu_img("check", bad).splitlines()[0]
    first = first.replace(f"{folder}/", "")
    return {"condition": f"qcow2, {_words(damage)}", **row, "first_word": first, "check": check}


# Scheme → for each day its parent: the day itself for a full backup.
SCHEMES: dict[str, Callable[[int], int]] = {
    "full every day": lambda day: day,
    "full weekly, differential": lambda day: day - day % 7,
    "full weekly, incremental": lambda day: day if day % 7 == 0 else day - 1,
    "one full, then incremental": lambda day: max(0, day - 1),
}


@experiment(f"{CHAPTER}/schemes", claims=["C098"], simulated=True)
def schemes(
    bad_percent: Sequence[float] = (0.1, 0.3, 1, 3),
    machines: int = 2000,
    days: int = 28,
    changed: float = 0.03,
    seed: int = 1,
) -> pd.DataFrame:
    """Back up a fleet by four schemes, spoil backups by chance, and restore the last day (a model).

    Args:
        bad_percent: of the backups are missing or corrupt, each independently of the others.
        machines: that are backed up, each for itself.
        days: with one backup each; the failure comes right after the last one.
        changed: share of a disk that changes in a day, other blocks each day.
        seed: of the chance.

    Returns:
        Columns condition (the scheme), bad_percent, days_lost (on average, from the last backup to
        the newest state that can be restored), not_newest (percent of the machines that lose a day
        or more), stored (in disks, for one machine).
    """
    rows = []
    for name, parent in SCHEMES.items():
        share = [
            1.0 if parent(day) == day else min(1.0, changed * (day - parent(day)))
            for day in range(days)
        ]
        for percent in bad_percent:
            chance = np.random.default_rng(seed)
            good = chance.random((days, machines)) >= percent / 100
            usable = np.zeros_like(good)
            for day in range(days):
                above = True if parent(day) == day else usable[parent(day)]
                usable[day] = good[day] & above
            newest = np.where(usable.any(axis=0), days - 1 - usable[::-1].argmax(axis=0), -1)
            lost = days - 1 - newest
            rows.append((name, percent, lost.mean(), 100 * (lost > 0).mean(), sum(share)))
    names = ["condition", "bad_percent", "days_lost", "not_newest", "stored"]
    return pd.DataFrame(rows, columns=names).round(3)


# --- what this very machine cannot show -----------------------------------------------------------


@experiment(f"{CHAPTER}/availability", claims=["C099"])
def availability() -> pd.DataFrame:
    """Ask every experiment of the course whether this machine could run it live, and if not, why.

    Returns:
        One row an experiment: condition (its id), part (its chapter's number), here (`live`,
        `not live`, or `simulated` on every machine), needs (what it asks of a machine), why.
    """
    rows = []
    for one in load_all().values():
        why = "" if one.simulated else one.missing()
        here = "simulated" if one.simulated else "not live" if why else "live"
        rows.append((one.id, one.chapter[:2], here, ", ".join(map(str, one.needs)), why))
    return pd.DataFrame(rows, columns=["condition", "part", "here", "needs", "why"])
