"""Experiments of chapter 09: what a wall shows, what leaks through it, and who falls with whom.

Victims and neighbours are processes that the experiments start for the purpose.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

import pandas as pd
import psutil

from virtlab import host, leftovers
from virtlab.container.engine import DEFAULT_NAMESPACES
from virtlab.experiments import running
from virtlab.interrupts import uninterrupted
from virtlab.measure.rounds import measure_rows
from virtlab.registry import CannotMeasure, Measurement, experiment
from virtlab.resources import cgroups
from virtlab.resources.cgroups import Group, NoCgroup
from virtlab.resources.disks import disk_of
from virtlab.resources.tenants import Tenants, one_core, unit_seconds
from virtlab.runtimes import RUNTIMES, Instance, RuntimeFailed, console, kvm
from virtlab.runtimes.containers import Namespaces

CHAPTER = "09-isolation"
MIB = 1 << 20
Row = dict[str, Any]
Task = dict[str, Any]
_PATIENCE_S = 60
_LIFE_S = 240.0  # no neighbour lives longer, whatever becomes of us

# --- windows: who sees whom -----------------------------------------------------------------------


@experiment(f"{CHAPTER}/windows", needs=[host.namespaces])
def windows() -> pd.DataFrame:
    """Put a PID namespace into a PID namespace; list the processes as each of the three sees them.

    Returns:
        One row for each process of ours: condition (its name), lives_in, nspid (as
        /proc/PID/status says it on the host), host, box and inner (its number in the /proc of each;
        "–" where it is not listed), reach (of "outside", whether the box could name it; of the
        innermost, whether the host could; else "–").
    """
    told = running.run_program("nested.py")
    words = {True: "found", False: "not found"}
    reach = {
        "outside": words[told["reach"]["out of the box"]],
        "inner-worker": words[told["reach"]["into the box"]],
    }
    rows = [
        {
            "condition": one["name"],
            "lives_in": one["lives_in"],
            "nspid": " ".join(map(str, one["nspid"])),
            **{view: str(told["seen"][view].get(one["name"], "–")) for view in VIEWS},
            "reach": reach.get(one["name"], "–"),
        }
        for one in told["processes"]
    ]
    return pd.DataFrame(rows)


VIEWS = ("host", "box", "inner")


# --- twins: does each have its own? ---------------------------------------------------------------

WALLS = {
    "no walls": (),
    "no mount wall": ("pid", "net"),
    "no network wall": ("mnt", "pid"),
    "no PID wall": ("mnt", "net"),
    "all three walls": ("mnt", "pid", "net"),
}
OWN, SHARED = "its own", "shared"


@experiment(f"{CHAPTER}/twins", needs=[host.namespaces], claims=["C033"])
def twins() -> pd.DataFrame:
    """Let two tenants do the same things under one set of walls after the other.

    Both write a file of the same name and listen at the same port, and the second one looks for the
    first one's process. Each wall that is missing is the positive control of that wall.

    Returns:
        One row for each set of walls: condition, files, network, processes ("its own" or "shared").
    """
    with leftovers.own_folder() as folder:
        sets = [",".join(kinds) or "none" for kinds in WALLS.values()]
        told = running.run_program("twins.py", folder, *sets)
    return pd.DataFrame([{"condition": name, **one} for name, one in zip(WALLS, told, strict=True)])


# --- links: which walls does it have? -------------------------------------------------------------


@experiment(f"{CHAPTER}/links", needs=[host.namespaces], claims=["C033"])
def links() -> pd.DataFrame:
    """Start containers of several makers, and read the links in /proc/PID/ns of each.

    Returns:
        One row for each process and file: condition (what it is), process (its number), file (in
        /proc/PID/ns) and link (its text; missing where it could not be read).
    """
    walls = set(DEFAULT_NAMESPACES)
    makers = {
        "a plain process": RUNTIMES["posix_spawn"],
        "our container": Namespaces(walls),
        "without a network wall": Namespaces(walls - {"net"}),
        "bubblewrap": RUNTIMES["bubblewrap"],
        "runc": RUNTIMES["runc"],
    }
    failed: dict[str, str] = {}
    rows = _links_of("this notebook", os.getpid())
    with ExitStack() as stack:
        for name, runtime in makers.items():
            if not (available := runtime.available()):
                failed[name] = available.why
                continue
            try:
                rows += _links_of(name, _program_of(stack.enter_context(runtime.start())))
            except RuntimeFailed as error:
                failed[name] = str(error)
        for name, pid in zip(POD, stack.enter_context(_pod()), strict=True):
            rows += _links_of(name, pid)
    data = pd.DataFrame(rows)
    data.attrs["failed"] = failed
    return data


POD = ("pod, web server", "pod, log reader")


def whose(m: Measurement) -> Measurement:
    """Return one row for each process of `links`, and in the column of each kind whose it is.

    "the notebook's", "its own", "the pod's" (it is shared, but not with the notebook), "unknown".
    """
    data = m.data[~m.data["file"].str.endswith("_for_children")]
    rows = []
    for name, own in data.groupby("condition", sort=False):
        row: Row = {"condition": name, "source": own["source"].iloc[0], "reason": ""}
        # Only processes of the same machine are compared: rows may come from a recording.
        same = data[data["source"] == row["source"]]
        mine = same[same["condition"] == "this notebook"].set_index("file")["link"]
        for file, link in zip(own["file"], own["link"], strict=True):
            holders = same.loc[(same["file"] == file) & (same["link"] == link), "condition"]
            if not isinstance(link, str):
                row[file] = "unknown"
            elif mine.get(file) == link:
                row[file] = THEIRS
            else:
                row[file] = OWN if len(holders) == 1 else "the pod's"
        rows.append(row)
    return replace(m, data=pd.DataFrame(rows))


THEIRS = "the notebook's"


def _links_of(name: str, pid: int) -> list[Row]:
    rows = []
    for file in sorted((Path("/proc") / str(pid) / "ns").iterdir()):
        link: str | None = None
        with suppress(OSError):
            link = os.readlink(file)  # noqa: PTH115 - it names no path
        rows.append({"condition": name, "process": pid, "file": file.name, "link": link})
    return rows


def _program_of(instance: Instance) -> int:
    """The process of the program itself; some runtimes stay in front of it and keep it."""
    first = psutil.Process(instance.pid)
    for process in [first, *first.children(recursive=True)]:
        with suppress(psutil.Error):
            if Path(process.exe()).name == "payload":
                return process.pid
    raise RuntimeFailed("the program in the container was not found")


@contextmanager
def _pod() -> Iterator[list[int]]:
    """Two containers that share a network; both are gone after the block."""
    process = running.start(running.program("pod.py"))
    try:
        assert process.stdout
        line = process.stdout.readline()
        if not line:
            raise CannotMeasure(running.last_words(process))
        yield json.loads(line)
    finally:
        running.end(process)


# --- neighbours: who slows whom -------------------------------------------------------------------

KINDS = ("cpu", "memory", "fork", "disk", "network", "files")
REQUESTS, GAP_MS, WORK_MS = 25, 2.0, 0.4


@experiment(
    f"{CHAPTER}/neighbours",
    needs=[host.cgroup_controllers],
    claims=["C034"],
    recorded_with={"rounds": 12},
)
def neighbours(
    kinds: Sequence[str] = KINDS, rounds: int = 8, seed: int = 1, progress: bool = False
) -> pd.DataFrame:
    """Serve requests beside six kinds of neighbour on the same core, with limits and without.

    Requests of 0.4 ms of work come every 2 ms, in an open loop. With limits the victim has 100
    times the weight of its neighbours, who have a quota of a third of the core, 96 MiB, 16
    processes and 4 MiB a second to the disk. In each round all conditions follow one another, in
    any order.

    Returns:
        One row a round, condition (`alone`, `cpu`, `cpu, limited`, …) and request: limited,
        response_ms (from the intended moment).
    """
    order = {
        "do": "serve",
        "requests": REQUESTS,
        "gap_ms": GAP_MS,
        "units": max(1, round(WORK_MS / 1e3 / unit_seconds())),
    }
    with ExitStack() as stack:
        folder = stack.enter_context(leftovers.own_folder())
        controllers = _with_disk_limit(("cpu", "memory", "pids"), folder)
        outer = stack.enter_context(cgroups.group(*controllers))
        outer.set_cpu_weight(10_000)  # the rest of the machine shall disturb little
        together = outer.child("together")
        together.set_cpu_weight(10_000)
        tasks = {
            f"{kind}, limited" if limited else kind: _stressing(kind, folder)
            for kind in kinds
            for limited in (False, True)
        }
        crowd = stack.enter_context(Crowd(tasks))
        for place, name in enumerate(tasks):
            group = together
            if name.endswith("limited"):
                group = outer.child(f"held-{place}")
                _hold_down(group, folder, quota=0.33)
            for pid in crowd.pids(name):
                group.add(pid)
        victim = stack.enter_context(Sufferer(core=one_core()))
        together.add(victim.pid)

        def measure(name: str) -> Iterable[Row]:
            with crowd.disturbing(name):
                times = victim.ask(order)
            limited = name.endswith("limited")
            return [{"limited": limited, "response_ms": round(one / 1e6, 3)} for one in times]

        conditions = {name: partial(measure, name) for name in ("alone", *tasks)}
        return measure_rows(conditions, rounds=rounds, seed=seed, warm=False, progress=progress)


def _stressing(kind: str, folder: Path) -> list[Task]:
    """Return the tasks of the neighbours of one kind, on the victim's core."""
    tasks: dict[str, list[Task]] = {
        "cpu": [{"task": "spin"}] * 3,
        "memory": [{"task": "stress_memory", "mib": 32}] * 2,
        "fork": [{"task": "stress_fork", "at_once": 8}] * 2,
        "disk": [{"task": "stress_io"}] * 2,
        "network": [{"task": "stress_network"}] * 2,
        "files": [{"task": "stress_files", "path": str(folder)}] * 2,
    }
    if kind not in tasks:
        raise CannotMeasure(f"no neighbour named {kind!r}; there are: {', '.join(tasks)}")
    made = [task | {"core": one_core(), "seconds": _LIFE_S} for task in tasks[kind]]
    for task in made:
        if kind == "disk":
            task["path"] = str(folder / "written")
    return made


def _hold_down(group: Group, folder: Path, quota: float | None = None) -> None:
    """Set the limits of neighbours; their weight is the usual one, 100."""
    group.set_memory_limit(96 * MIB)
    group.set_pids_limit(16)
    if quota is not None:
        group.set_cpu_quota(quota, period_ms=10)
    if "io" in group.folders:
        group.set_io_limit(disk_of(folder), write_bps=4 * MIB)


def _with_disk_limit(controllers: tuple[str, ...], folder: Path) -> tuple[str, ...]:
    """Add the disk's controller where the folder lies on a disk that can be limited."""
    try:
        disk_of(folder)
        with cgroups.group("io"):
            return (*controllers, "io")
    except NoCgroup:
        return controllers


# --- leaks: what no limit divides -----------------------------------------------------------------

VICTIMS: dict[str, Task] = {
    "in the core's cache, same core": {"do": "chase", "kib": 512, "steps": 4_000_000},
    "in the last cache": {"do": "chase", "kib": 2 << 10, "steps": 800_000},
    "copying memory": {"do": "copy", "kib": 16 << 10, "times": 3},
    "changing its network": {"do": "set up", "times": 500},
}
SAME_CORE, IN_LAST_CACHE, _, NETWORK = VICTIMS
COMPUTING, FILLING = "computing", "filling memory"
LEAKERS: dict[str, Task] = {
    COMPUTING: {"task": "spin"},
    FILLING: {"task": "stress_memory", "mib": 64, "block": 1 << 18},
    NETWORK: {"task": "stress_setup"},
}
NOBODY = "nobody"
_PART_OF_NS = {"chase": 1e-3}  # what the sufferer's numbers are of a nanosecond


@experiment(
    f"{CHAPTER}/leaks",
    needs=[host.namespaces, host.cgroup_controllers, host.two_cores],
    claims=["C034"],
    recorded_with={"rounds": 20},
)
def leaks(rounds: int = 6, seed: int = 1, progress: bool = False) -> pd.DataFrame:
    """Put up all walls and limits, share out the cores; see who notices whom all the same.

    The first victim shares its core with the neighbour, half and half, and only its own CPU time
    counts; it follows pointers through 512 KiB, which its core's own cache holds. The others have a
    core to themselves: they follow pointers through 2 MiB (for the cache that cores share), copy
    memory, or make tiny changes to their own network. The neighbour only computes (the control: no
    leak is expected), fills memory, or switches a card of *its* network off and on. Victim and
    neighbour are in namespaces of their own.

    Returns:
        One row a round and pair: condition (`victim | neighbour`), victim, neighbour, ns (of one
        step, MiB or change).
    """
    walls = ["mnt", "net", "ipc", "uts", "cgroup"]
    cores = {SAME_CORE: one_core(), "": min(os.sched_getaffinity(0))}
    with ExitStack() as stack:
        outer = stack.enter_context(cgroups.group("cpu", "memory", "pids"))
        outer.set_cpu_weight(10_000)
        mine = outer.child("victim")
        tasks = {
            f"{name} {where}": [task | {"core": core, "walls": walls, "seconds": _LIFE_S}]
            for name, task in LEAKERS.items()
            for where, core in cores.items()
        }
        crowd = stack.enter_context(Crowd(tasks))
        for place, name in enumerate(tasks):
            held = outer.child(f"held-{place}")
            _hold_down(held, Path())
            for pid in crowd.pids(name):
                held.add(pid)
        victim = stack.enter_context(Sufferer(core=one_core(), walls=walls))
        mine.add(victim.pid)

        def measure(does: str, neighbour: str) -> Iterable[Row]:
            order = VICTIMS[does]
            with crowd.disturbing(f"{neighbour} {does if does in cores else ''}"):
                times = sorted(victim.ask(order))
            ns = times[len(times) // 2] * _PART_OF_NS.get(order["do"], 1)
            return [{"victim": does, "neighbour": neighbour, "ns": ns}]

        conditions = {
            pair(does, neighbour): partial(measure, does, neighbour)
            for does in VICTIMS
            for neighbour in (NOBODY, *LEAKERS)
        }
        return measure_rows(conditions, rounds=rounds, seed=seed, progress=progress)


def pair(victim: str, neighbour: str) -> str:
    """Name the condition of `leaks` in which this victim has this neighbour."""
    return f"{victim} | {neighbour}"


# --- a message through the wall -------------------------------------------------------------------

MESSAGE = "HI!"
SLOT_S = 0.02


@experiment(
    f"{CHAPTER}/message",
    needs=[host.cgroup_controllers, host.two_cores],
    claims=["C034"],
    recorded_with={"rounds": 5},
)
def message(
    text: str = MESSAGE,
    slot_s: float = SLOT_S,
    rounds: int = 1,
    seed: int = 1,
    progress: bool = False,
) -> pd.DataFrame:
    """Send a text to another tenant through nothing but the time that its own work takes.

    In each slot the sender computes for a 1 and sleeps for a 0. The listener counts its own work.

    Returns:
        One row a round, condition (`nobody sends`, `same core`, `same core, limited`, `another
        core`) and slot: slot, bit (that was sent), progress (of the listener, as a share of its
        best slot in this measurement).
    """
    bits = as_bits(text)
    seconds = len(bits) * slot_s
    idle = [[place * slot_s, (place + 1) * slot_s] for place, bit in enumerate(bits) if not bit]
    listener = {"task": "spin", "core": one_core(), "seconds": seconds, "slice_s": slot_s}
    sender = {"task": "spin", "seconds": seconds, "idle": idle}
    elsewhere = min(os.sched_getaffinity(0))

    def measure(core: int | None, limited: bool) -> Iterable[Row]:
        tasks = [listener] if core is None else [listener, sender | {"core": core}]
        with cgroups.group("cpu") as outer, Tenants(tasks) as tenants:
            outer.set_cpu_weight(10_000)
            mine, other = outer.child("listener"), outer.child("sender")
            if limited:
                mine.set_cpu_weight(10_000)
                other.set_cpu_quota(0.33, period_ms=10)
            for group, pid in zip((mine, other), tenants.pids, strict=False):
                group.add(pid)
            done = tenants.go()[0]["slices"]
        best = max(*done, 1)
        for place, (bit, units) in enumerate(zip(bits, done, strict=True)):
            yield {"slot": place, "bit": bit, "progress": round(units / best, 4)}

    conditions = {
        "nobody sends": partial(measure, None, False),
        "same core": partial(measure, one_core(), False),
        "same core, limited": partial(measure, one_core(), True),
        "another core": partial(measure, elsewhere, False),
    }
    return measure_rows(conditions, rounds=rounds, seed=seed, warm=False, progress=progress)


def as_bits(text: str) -> list[int]:
    """Return the bits of a text, eight for each letter, the highest first."""
    return [byte >> place & 1 for byte in text.encode("latin-1") for place in range(7, -1, -1)]


def decode(progress: Sequence[float]) -> list[int]:
    """Return the bits that a listener hears: where it got on badly, somebody was computing."""
    middle = (max(progress) + min(progress)) / 2
    return [int(one < middle) for one in progress]


def as_text(bits: Sequence[int]) -> str:
    """Return the text of bits; a dot for what is no printable letter."""
    codes = [
        sum(bit << 7 - place for place, bit in enumerate(bits[at : at + 8]))
        for at in range(0, len(bits) - 7, 8)
    ]
    return "".join(chr(code) if 32 <= code < 127 else "·" for code in codes)


# --- the crash ------------------------------------------------------------------------------------

TENANTS = ("A", "B", "C", "D")
CRASHED = "B"
GAP, START, END, DEADLINE = 10, 100, 200, 100  # milliseconds
SLOWER = 4  # the guest is translated by TCG: there, all of these take so many times as long
LEVELS = {
    "threads of a process": "threads",
    "processes": "processes",
    "containers": "containers",
    "virtual machines": "machines",
}
KERNEL_CRASH = "containers, kernel crash"


@experiment(
    f"{CHAPTER}/crash",
    claims=["C078", "C079"],
    recorded_with={"rounds": 3},
)
def crash(rounds: int = 2, seed: int = 1, progress: bool = False) -> pd.DataFrame:
    """Crash one of four tenants at each level of isolation, while a client asks all four.

    The bug is the same everywhere, a read at address 0; in the machines an instruction that does
    not exist and that nobody handles. Threads of one process are the positive control: no wall. In
    the last condition four containers share the kernel of one guest, and that kernel crashes.

    Returns:
        One row a request: round, order, condition, tenant, sent, answered (in whole ms, missing
        where no answer came), start and end (of the crash), deadline, accelerator.
    """
    failed: dict[str, str] = {}
    conditions: dict[str, Callable[[], Iterable[Row]]] = {}
    for name, level in LEVELS.items():
        need = {"containers": host.namespaces, "machines": host.kvm}.get(level)
        if need and not (capability := host.probe(need)):
            failed[name] = f"{capability.name}: {capability.why}"
        else:
            conditions[name] = partial(_crash_at, level)
    data = measure_rows(conditions, rounds=rounds, seed=seed, warm=False, progress=progress)
    failed |= data.attrs["failed"]
    missing = [host.probe(need) for need in (host.qemu, host.guest_kernel)]
    if why := next((f"{one.name}: {one.why}" for one in missing if not one), ""):
        failed[KERNEL_CRASH] = why
    else:
        try:
            more = [
                {"round": 0, "order": len(conditions), "condition": KERNEL_CRASH, **row}
                for row in _crash_of_a_kernel()
            ]
            data = pd.concat([data, pd.DataFrame(more)], ignore_index=True)
        except RuntimeFailed as error:
            failed[KERNEL_CRASH] = str(error)
    accelerators = {"virtual machines": f"KVM ({kvm.backend()})", KERNEL_CRASH: console.ACCELERATOR}
    data["accelerator"] = data["condition"].map(accelerators).fillna("")
    data.attrs["failed"] = failed
    return data


def _crash_at(level: str) -> list[Row]:
    task = {
        "level": level,
        "tenants": len(TENANTS),
        "crashed": TENANTS.index(CRASHED),
        "start_ms": START,
        "end_ms": END,
        "gap_ms": GAP,
        "deadline_ms": DEADLINE,
    }
    requests = _outweighing("crash.py", task)
    return [_request(number, sent, answered) for number, sent, answered in requests]


def _request(number: int, sent: int, answered: int | None, times: int = 1) -> Row:
    return {
        "tenant": TENANTS[number],
        "sent": sent,
        "answered": answered,
        "start": START * times,
        "end": END * times,
        "deadline": DEADLINE * times,
    }


def _crash_of_a_kernel() -> list[Row]:
    """Four containers on the kernel of one guest; the kernel is told to crash, as by a bug."""
    answers: dict[tuple[int, int], float] = {}
    with ExitStack() as stack:
        guest = stack.enter_context(console.linux())
        _outweigh(stack, guest.process.pid)
        guest.read_until(console.LOGIN)
        for number in range(len(TENANTS)):
            tenant = f'while read -r it; do echo "answer {number} $it" > /dev/console; done'
            guest.ask(f"mkfifo /to{number}")
            guest.ask(f"unshare -u -p -f -m sh -c '{tenant}' <> /to{number} &")
            guest.enter(f"echo warm > /to{number}\n")
            guest.read_until(f"answer {number} warm")
        begin = guest.now_ms + 20
        gap, end = GAP * SLOWER, END * SLOWER
        plan = [
            (moment + number * gap // len(TENANTS), number)
            for moment in range(0, end, gap)
            for number in range(len(TENANTS))
        ]
        seen = len(guest.lines)
        crashed = False
        for place, (moment, number) in enumerate(plan):
            guest.listen(max(0.0, (begin + moment - guest.now_ms) / 1e3))
            with suppress(console.MachineEnded):
                if moment >= START * SLOWER and not crashed:
                    crashed = True
                    guest.enter("echo c > /proc/sysrq-trigger\n")
                guest.enter(f"echo {place} > /to{number}\n")
            if not guest.is_on:
                time.sleep(max(0.0, (begin + moment - guest.now_ms) / 1e3))
        guest.listen(DEADLINE * SLOWER / 1e3)
        for at_ms, line in guest.lines[seen:]:
            words = line.split()
            if len(words) == 3 and words[0] == "answer" and words[2].isdigit():
                answers[int(words[1]), int(words[2])] = at_ms - begin
    return [
        _request(number, moment, _whole(answers.get((number, place)), moment), SLOWER)
        for place, (moment, number) in enumerate(plan)
    ]


def _whole(answered: float | None, sent: int) -> int | None:
    return None if answered is None else max(sent, int(answered))


# --- helpers --------------------------------------------------------------------------------------


class Crowd:
    """Neighbours that stand still until they are called. A context manager: gone after it.

    Args:
        tasks: name → what the neighbours of that name do, as `tenant.py` reads it.
    """

    def __init__(self, tasks: Mapping[str, Sequence[Task]]) -> None:
        self._places: dict[str, range] = {}
        self._tasks: list[Task] = []
        for name, own in tasks.items():
            self._places[name] = range(len(self._tasks), len(self._tasks) + len(own))
            self._tasks += own
        self._stack = ExitStack()

    def pids(self, name: str) -> list[int]:
        """The processes of a name."""
        return [self._tenants.pids[place] for place in self._places[name]]

    @contextmanager
    def disturbing(self, name: str, settle_s: float = 0.005) -> Iterator[None]:
        """Let those of a name run during the block; nobody, if none has that name.

        Raises:
            RuntimeFailed: one of them died: who is dead disturbs nobody, and would prove nothing.
        """
        pids = self.pids(name) if name in self._places else []
        try:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)
            time.sleep(settle_s)
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGSTOP)
        for pid in pids:
            if psutil.Process(pid).status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):
                raise RuntimeFailed(f"{name}: a neighbour died")

    def __enter__(self) -> Crowd:
        with uninterrupted():
            self._tenants = self._stack.enter_context(Tenants(self._tasks))
        try:
            self._tenants.begin()
            for pid in self._tenants.pids:
                os.kill(pid, signal.SIGSTOP)
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()


class Sufferer:
    """The victim, as `programs/sufferer.py`. A context manager: gone after it.

    Args:
        core: where it runs.
        walls: the namespaces it is in.
    """

    def __init__(self, core: int, walls: Sequence[str] = ()) -> None:
        self._task = json.dumps({"core": core, "walls": list(walls)})

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def ask(self, order: Mapping[str, Any]) -> list[int]:
        """Have it work, and return how long each piece took.

        Raises:
            RuntimeFailed: it died.
        """
        running.tell(self._process, json.dumps(order))
        times: list[int] = json.loads(running.line_of(self._process, "the victim"))
        return times

    def __enter__(self) -> Sufferer:
        self._process = running.start(running.program("sufferer.py", self._task))
        try:
            running.line_of(self._process, "the victim")
        except BaseException:
            running.end(self._process)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        running.end(self._process)


def _outweighing(name: str, task: Task) -> Any:
    """Run a program with a task, and return what it says."""
    with ExitStack() as stack:
        process = running.start(running.program(name))
        stack.callback(running.end, process)
        _outweigh(stack, process.pid)
        running.tell(process, json.dumps(task))
        assert process.stdout
        said = process.stdout.read()
        if process.wait(_PATIENCE_S) != 0:
            raise RuntimeFailed(f"{name}: {running.last_words(process)}")
        return json.loads(said)


def _outweigh(stack: ExitStack, pid: int) -> None:
    """Put a process, where possible, into a control group that outweighs all others.

    What else this machine does shall not look like a failure.
    """
    with suppress(NoCgroup):
        outer = stack.enter_context(cgroups.group("cpu"))
        outer.set_cpu_weight(10_000)
        outer.child("program").add(pid)
