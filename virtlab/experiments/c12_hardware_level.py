"""Experiments of chapter 12: who translates the address, and what of a machine is a guest's own."""

from __future__ import annotations

import ctypes
import math
import mmap
import os
import random
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil

from virtlab import host, leftovers
from virtlab.experiments.running import run_program
from virtlab.machines import tlb
from virtlab.machines.paged import TRANSLATORS, PagedMachine, PagedMemory, visitor
from virtlab.machines.paging import AddressSpace, Geometry, frames_from
from virtlab.machines.toycpu import assemble
from virtlab.machines.two_stage import GuestMemory, two_stage
from virtlab.measure.rounds import measure_rounds, measure_rows
from virtlab.native import COUNT, Native
from virtlab.registry import CannotMeasure, experiment
from virtlab.runtimes import RuntimeFailed, kvm
from virtlab.runtimes.kvm import LEAST_MEMORY, Machine

CHAPTER = "12-hardware-level"
MIB = 1 << 20
PAGE = 4096
CR3 = 0x10000  # where our monitor puts a guest's top table


# --- a guest's own page tables --------------------------------------------------------------------


class Entries:
    """The page-table entries in a guest's memory, by guest-physical address."""

    def __init__(self, memory: mmap.mmap) -> None:
        self._memory = memory

    def get(self, place: int, default: int, /) -> int:
        """Return the entry at a guest-physical address."""
        if not 0 <= place <= len(self._memory) - 8:
            return default
        return int(struct.unpack_from("=Q", self._memory, place)[0])

    def __setitem__(self, place: int, entry: int, /) -> None:
        """Write it."""
        struct.pack_into("=Q", self._memory, place, entry)


def tables_of(memory: mmap.mmap) -> AddressSpace:
    """Return the page tables that our monitor's guest has, to walk or to add to."""
    return AddressSpace(Entries(memory), frames_from(LEAST_MEMORY), root=CR3)


# Four pages that follow each other for the guest; the second is the last one of its table.
VIRTUAL = 0x1234_567F_E000
SCATTERED = (0x30_5000, 0x2A_1000, 0x3C_7000, 0x28_8000)


@experiment(f"{CHAPTER}/addresses", needs=[host.kvm], claims=["C045"])
def addresses() -> pd.DataFrame:
    """Let a guest write to four pages in a row, and find each byte by walking the guest's tables.

    Returns:
        One row a page: condition, guest_virtual, indices (in the guest's four tables),
        guest_physical (by our walk), reads (entries that our walk read), found_at (where in the
        guest's memory the byte turned up), in_our_process, host_physical ("hidden" unless root),
        accelerator. Addresses are text, in hexadecimal.
    """
    with Machine(4 * MIB) as machine:
        machine.start_in_long_mode(kvm.guest("touch"), rcx=len(SCATTERED), rbx=VIRTUAL)
        tables = tables_of(machine.memory)
        for number, frame in enumerate(SCATTERED):
            tables.map(VIRTUAL + number * PAGE, frame)
        before = bytes(machine.memory)
        machine.run()
        start = _address_of(machine.memory)
        rows = []
        for number in range(len(SCATTERED)):
            virtual = VIRTUAL + number * PAGE
            walked = tables.walk(virtual)
            place = walked.physical
            arrived = before[place] == 0 and machine.memory[place] == 1
            indices = (virtual >> shift & 511 for shift in (39, 30, 21, 12))
            rows.append(
                {
                    "condition": f"page {number + 1}",
                    "guest_virtual": f"{virtual:#x}",
                    "indices": " ".join(map(str, indices)),
                    "guest_physical": f"{place:#x}",
                    "reads": len(walked.references),
                    "found_at": f"{place:#x}" if arrived else "not there",
                    "in_our_process": f"{start + place:#x}",
                    "host_physical": _host_physical(start + place),
                }
            )
    return pd.DataFrame(rows).assign(accelerator=f"KVM ({kvm.backend()})")


def _address_of(memory: mmap.mmap) -> int:
    """Return where a mapping begins in this process."""
    return ctypes.addressof(ctypes.c_char.from_buffer(memory))


def _host_physical(address: int) -> str:
    """Return the physical address behind one of this process's, if the kernel tells this user."""
    try:
        with Path("/proc/self/pagemap").open("rb", buffering=0) as pagemap:
            pagemap.seek(address // PAGE * 8)
            (entry,) = struct.unpack("=Q", pagemap.read(8))
    except (OSError, struct.error):
        return "hidden"
    frame = entry & (1 << 55) - 1
    return f"{frame * PAGE + address % PAGE:#x}" if entry >> 63 and frame else "hidden"


_FRAME, _BEYOND = 0x30_0000, 0x80_0000
_NO_PAGE = "no page in the guest's table"
_OUT = "a page that the host does not back"
_CONTROL = "the same page, backed by the host"
_NEIGHBOUR = "a neighbour at the same addresses"
_SHARED = "the same, one memory on purpose"


@experiment(f"{CHAPTER}/faults", needs=[host.kvm], claims=["C045"])
def faults() -> pd.DataFrame:
    """Let guests write where one of the two stages has no page, and beside a neighbour.

    Returns:
        One row a guest: condition, came_out (what entering the guest came back with before its own
        end: `mmio`, `shutdown` or nothing), at (the guest-physical address that it told), written
        (whether the byte arrived in memory; for the neighbours: in the neighbour's), accelerator.
    """
    rows = [
        _write(_NO_PAGE, None, 4),
        _write(_OUT, _BEYOND, 4),
        _write(_CONTROL, _BEYOND, 16),
        _beside(_NEIGHBOUR, shared=False),
        _beside(_SHARED, shared=True),
    ]
    return pd.DataFrame(rows).assign(accelerator=f"KVM ({kvm.backend()})")


def _write(condition: str, frame: int | None, mib: int) -> dict[str, Any]:
    """Let a guest write one byte to its page, which its table leads to a frame, or nowhere."""
    came_out, at = "nothing", "–"

    def note(leave: kvm.Exit) -> None:
        nonlocal came_out, at
        if leave.reason == "mmio":
            came_out, at = "mmio", f"{leave.address:#x}"

    with Machine(mib * MIB) as machine:
        machine.start_in_long_mode(kvm.guest("touch"), rcx=1, rbx=VIRTUAL)
        if frame is not None:
            tables_of(machine.memory).map(VIRTUAL, frame)
        try:
            machine.run(note, limit_s=3)
        except RuntimeFailed:
            came_out = next((why for why in machine.returns if why != "port"), "nothing")
        backed = frame is not None and frame < len(machine.memory)
        written = bool(backed and machine.memory[frame or 0] == 1)
    return {"condition": condition, "came_out": came_out, "at": at, "written": written}


def _beside(condition: str, shared: bool) -> dict[str, Any]:
    """Let one of two guests with equal addresses write, and look into the other's memory."""
    with Machine(4 * MIB) as neighbour:
        with Machine(4 * MIB, neighbour.memory if shared else None) as guest:
            for one in (neighbour, guest):
                one.start_in_long_mode(kvm.guest("touch"), rcx=1, rbx=VIRTUAL)
                tables_of(one.memory).map(VIRTUAL, _FRAME)
            guest.run()
        hit = neighbour.memory[_FRAME] == 1
    return {"condition": condition, "came_out": "nothing", "at": "–", "written": hit}


# --- how many entries a walk reads ----------------------------------------------------------------


@experiment(f"{CHAPTER}/references", simulated=True)
def references(most_levels: int = 5) -> pd.DataFrame:
    """Build guests' and hosts' tables of 1 to 5 levels, and count what one translation reads.

    Returns:
        One row a pair: condition, guest_levels, host_levels, reads.
    """
    rows = []
    for guest_levels in range(1, most_levels + 1):
        for host_levels in range(1, most_levels + 1):
            reads = _reads(Geometry(levels=guest_levels), Geometry(levels=host_levels))
            rows.append((f"{guest_levels} + {host_levels}", guest_levels, host_levels, reads))
    return pd.DataFrame(rows, columns=["condition", "guest_levels", "host_levels", "reads"])


def _reads(guest: Geometry, below: Geometry) -> int:
    """Build both tables with one page, translate an address in it, count the entries read."""
    page = PAGE
    second = AddressSpace({}, frames_from(1 << 40), below)
    for number in range(guest.levels + 1):
        second.map(number * page, (1 << 30) + number * page)
    inside = GuestMemory(second)
    first = AddressSpace(inside, frames_from(page), guest, root=0)
    first.map(7 * page, 0)
    roots = first.root, second.root
    found = two_stage(second.memory, *roots, 7 * page + 5, guest=guest, host=below)
    return len(found.references)


# --- what a walk costs ----------------------------------------------------------------------------

_REGION_MIB, _REGION_AT = 64, 4 * MIB
_SMALL = 1 << 39  # where a second, fine-grained view of the region begins for the guest
PAGES = (16, 256, 1024, 4096, 16384)


@experiment(f"{CHAPTER}/chase", recorded_with={"rounds": 15})
def chase(
    pages: tuple[int, ...] = PAGES,
    steps: int = 1_000_000,
    rounds: int = 5,
    seed: int = 1,
    progress: bool = False,
) -> pd.DataFrame:
    """Follow a chain of pointers, one on each page, in this process and in a guest.

    Each is done with small pages (4 KiB) and asked for with large ones (2 MiB): in the guest the
    guest's table and the host's are both small, or both large. The lines touched are the same.

    Args:
        pages: over how many pages of 4 KiB a chain goes.
        steps: how far it is followed.
        rounds: how often each is measured.
        seed: of the order of the chains and of the measurements.
        progress: show a progress bar.

    Returns:
        Columns round, order, condition, pages, ns_per_step, large_mib (of the memory that the host
        holds in large pages), accelerator (of a guest).
    """
    with ExitStack() as stack:
        follow: dict[str, Callable[[int, int], float]] = {}
        large_mib: dict[str, float] = {}
        failed: dict[str, str] = {}
        for place in ("this process", "a guest"):
            for size in ("small", "large"):
                name = f"{place}, {size} pages"
                try:
                    make = _chased_here if place == "this process" else _chased_by_a_guest
                    follow[name], large_mib[name] = make(stack, size == "large", pages, seed)
                except (RuntimeFailed, OSError) as error:
                    failed[name] = " ".join(str(error).split())
        if not follow:
            raise CannotMeasure("; ".join(dict.fromkeys(failed.values())))
        data = measure_rows(
            {
                name: partial(_follow_all, one, pages, steps, large_mib[name])
                for name, one in follow.items()
            },
            rounds=rounds,
            seed=seed,
            progress=progress,
        )
        follow.clear()
    behind = {name: "" if "process" in name else f"KVM ({kvm.backend()})" for name in large_mib}
    data["accelerator"] = data["condition"].map(behind)
    data.attrs["failed"] = failed | data.attrs["failed"]
    return data


def _follow_all(
    follow: Callable[[int, int], float], pages: tuple[int, ...], steps: int, large_mib: float
) -> Iterator[dict[str, float]]:
    for place, count in enumerate(pages):
        follow(place, 2 * count)  # what can be remembered is remembered
        took = follow(place, steps)
        yield {"pages": count, "ns_per_step": took / steps * 1e9, "large_mib": large_mib}


def _region(stack: ExitStack, large: bool) -> mmap.mmap:
    """Return memory for the chains and what lies before them, in large or in small pages."""
    kind = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    memory = stack.enter_context(closing(mmap.mmap(-1, _REGION_AT + _REGION_MIB * MIB, kind)))
    advice = "MADV_HUGEPAGE" if large else "MADV_NOHUGEPAGE"
    if hasattr(mmap, advice):
        try:
            memory.madvise(getattr(mmap, advice))
        except OSError:
            if large:
                raise RuntimeFailed("this kernel has no large pages for programs") from None
    return memory


def _chain(memory: mmap.mmap, pages: tuple[int, ...], base: int, seed: int) -> None:
    """Write a chain for each number of pages: a pointer on each page, each in a line of its own.

    Args:
        memory: the region begins at `_REGION_AT`.
        pages: one chain for each.
        base: the address of the region for whoever follows the chain.
        seed: of the order.
    """
    words = np.frombuffer(memory, dtype=np.uint64)
    for place, count in enumerate(pages):
        number = np.arange(count)
        offsets = number * PAGE + 64 * ((number + 13 * place) % 64)
        offsets[1:] = np.random.default_rng(seed + place).permutation(offsets[1:])
        words[(_REGION_AT + offsets) // 8] = base + np.roll(offsets, -1)
    del words  # else the memory could not be closed


def _start_of(place: int) -> int:
    """Return where in the region a chain begins."""
    return 64 * (13 * place % 64)


def _in_large_pages() -> float:
    """Return how much of this process's memory lies in large pages, in MiB."""
    for line in Path("/proc/self/smaps_rollup").read_text().splitlines():
        if line.startswith("AnonHugePages:"):
            return int(line.split()[1]) / 1024
    return math.nan


def _chased_here(
    stack: ExitStack, large: bool, pages: tuple[int, ...], seed: int
) -> tuple[Callable[[int, int], float], float]:
    before = _in_large_pages()
    memory = _region(stack, large)
    base = _address_of(memory) + _REGION_AT
    _chain(memory, pages, base, seed)
    loops = [Native(_follower(base + _start_of(place))) for place in range(len(pages))]
    return lambda place, steps: loops[place].seconds(steps), _in_large_pages() - before


def _follower(start: int) -> bytes:
    """Return machine code: mov rcx, rdi; mov rax, start; again: mov rax, [rax]; dec rcx; jnz."""
    body = "488b00" + "48ffc9" + "75f8" + "c3"
    return bytes.fromhex("4889f9" + "48b8") + struct.pack("=Q", start) + bytes.fromhex(body)


def _chased_by_a_guest(
    stack: ExitStack, large: bool, pages: tuple[int, ...], seed: int
) -> tuple[Callable[[int, int], float], float]:
    before = _in_large_pages()
    memory = _region(stack, large)
    machine = stack.enter_context(Machine(memory=memory))
    base = _REGION_AT if large else _SMALL
    machine.start_in_long_mode(kvm.guest("chase"))
    if not large:
        tables = tables_of(memory)
        for number in range(max(pages)):
            tables.map(_SMALL + number * PAGE, _REGION_AT + number * PAGE)
    _chain(memory, pages, base, seed)
    start = machine.registers

    def follow(place: int, steps: int) -> float:
        machine.registers = start | {"rbx": base + _start_of(place), "rcx": steps}
        began = time.perf_counter_ns()
        machine.run()
        return (time.perf_counter_ns() - began) / 1e9

    return follow, _in_large_pages() - before


# --- shadow paging against nested paging, on the toy CPU ------------------------------------------


@experiment(f"{CHAPTER}/shadow-or-nested", simulated=True)
def shadow_or_nested(
    pages: int = 16, frames: tuple[int, ...] = (6, 10, 14, 16, 17), rounds: int = 20, seed: int = 1
) -> pd.DataFrame:
    """Run one program on the toy CPU with paged memory, translated in three ways.

    The program visits its pages round and round. The fewer frames its kernel has, the more often
    it must change its page table.

    Args:
        pages: of the program's data; one more holds its code.
        frames: that the guest's kernel has, one setting for each number.
        rounds: how often the program visits each page.
        seed: of the pages that lose their frame.

    Returns:
        One row a setting: condition (the way), frames, result (what the program wrote), accesses,
        misses (of the TLB), references (entries that the hardware read), faults (of the guest's
        own), exits (to the hypervisor).
    """
    rows = []
    for count in frames:
        for way in TRANSLATORS:
            memory = PagedMemory(pages + 1, count, way, seed=seed)
            machine = PagedMachine(memory)
            machine.put(assemble(visitor(pages, rounds)))
            machine.power_on()
            counts = vars(memory.counts)
            rows.append({"condition": way, "frames": count, "result": machine.output[0], **counts})
    return pd.DataFrame(rows)


# --- remembering translations ---------------------------------------------------------------------


@experiment(f"{CHAPTER}/tags", simulated=True)
def tags(
    turns: tuple[int, ...] = (10, 30, 100, 300, 1000),
    guests: int = 3,
    pages: int = 20,
    capacity: int = 64,
    accesses: int = 6000,
    seed: int = 1,
) -> pd.DataFrame:
    """Let guests take turns at one TLB, with tags and without.

    Args:
        turns: how many accesses a guest makes before the next one runs.
        guests: how many there are.
        pages: that each of them uses.
        capacity: translations that the TLB holds.
        accesses: in all.
        seed: of the pages touched.

    Returns:
        One row a setting: condition (`tags`, `no tags`), turn, hit_share, flushes.
    """
    generator = random.Random(seed)
    touched = [generator.randrange(pages) for _ in range(accesses)]
    rows = []
    for turn in turns:
        trace = [(number // turn % guests, page) for number, page in enumerate(touched)]
        for name, tagged in (("tags", True), ("no tags", False)):
            counts = tlb.replay(trace, capacity, tagged)
            rows.append((name, turn, counts.hits / accesses, counts.flushes))
    return pd.DataFrame(rows, columns=["condition", "turn", "hit_share", "flushes"])


# --- time in the guest, time in the monitor -------------------------------------------------------

# Turns of the guest's loop for each request, and how many requests it makes.
ASKING = {1: 300, 1_000: 300, 10_000: 300, 100_000: 60, 1_000_000: 10, 10_000_000: 4}


class _Timed(Machine):
    """A machine that counts the processor time of the calls that entered the guest."""

    inside_ns = 0

    def _enter(self) -> kvm.Exit:
        started = time.thread_time_ns()
        try:
            return super()._enter()
        finally:
            self.inside_ns += time.thread_time_ns() - started


@experiment(
    f"{CHAPTER}/time-split", needs=[host.kvm], claims=["C043"], recorded_with={"rounds": 20}
)
def time_split(
    asking: Mapping[int, int] = ASKING, rounds: int = 6, seed: int = 1, progress: bool = False
) -> pd.DataFrame:
    """Let guests compute and ask our monitor in turns, and see where their time goes.

    Args:
        asking: turns of the guest's loop before each request → requests.
        rounds: how often each is measured.
        seed: of the order.
        progress: show a progress bar.

    Returns:
        Columns round, order, condition, turns (before each request), requests, native_us (the same
        turns in this process, measured just before), inside_us (in the calls that entered the
        guest), total_us (from start to end), exits (counted by the kernel), returns (to our
        monitor), accelerator. The three times are processor time of the thread that runs the guest:
        what the host gives to others meanwhile does not count.
    """
    loop = Native(COUNT)
    conditions = {
        f"{turns:,} turn{'s' * (turns > 1)} a request": partial(_ask, loop, turns, requests)
        for turns, requests in asking.items()
    }
    data = measure_rounds(conditions, rounds=rounds, seed=seed, progress=progress)
    return data.assign(accelerator=f"KVM ({kvm.backend()})")


def _ask(loop: Native, turns: int, requests: int) -> dict[str, float]:
    started = time.thread_time_ns()
    loop.seconds(turns * requests)
    native_us = (time.thread_time_ns() - started) / 1e3
    timed = _Timed()
    with timed as machine:
        machine.start_in_long_mode(kvm.guest("work"), rcx=requests, rbx=turns)
        before = machine.stats().get("exits", math.nan)
        started = time.thread_time_ns()
        machine.run()
        total_us = (time.thread_time_ns() - started) / 1e3
        return {
            "turns": turns,
            "requests": requests,
            "native_us": native_us,
            "inside_us": timed.inside_ns / 1e3,
            "total_us": total_us,
            "exits": machine.stats().get("exits", math.nan) - before,
            "returns": machine.returns.total(),
        }


# --- what is promised: the processor --------------------------------------------------------------

_LEFT_AT = 0x18_0000  # where the guest `gaps` leaves its numbers
_AWAY_US = 50.0  # a pause of the guest that is longer than this is not its own
CROWDS = (1, 2, 3, 4)
APART = "2, each on a core of its own"


@experiment(
    f"{CHAPTER}/one-core",
    needs=[host.kvm],
    claims=["C044"],
    recorded_with={"rounds": 5, "seconds": 0.5},
)
def one_core(
    crowds: tuple[int, ...] = CROWDS,
    seconds: float = 0.25,
    rounds: int = 2,
    seed: int = 1,
    progress: bool = False,
) -> pd.DataFrame:
    """Pin virtual processors of several guests to one core; each looks at the clock all the time.

    Args:
        crowds: how many share the core, one setting for each number.
        seconds: how long each time, by the guests' own clock.
        rounds: how often each is measured.
        seed: of the order.
        progress: show a progress bar.

    Returns:
        One row a guest: condition, sharing (guests on its core), million_looks (at the clock, a
        second), away_share (of the time, as the guest itself saw it jump), times_away (a second),
        longest_ms (away), accelerator.
    """
    kvm.accept_kicks()
    cores = sorted(os.sched_getaffinity(0))
    hertz = _cycles_per_second()
    conditions = {
        f"{count} on one core": partial(_look_together, [cores[-1]] * count, seconds, hertz)
        for count in crowds
    }
    failed = {}
    if len(cores) > 1:
        conditions[APART] = partial(_look_together, [cores[-1], cores[-2]], seconds, hertz)
    else:
        failed[APART] = "this machine has one core for us"
    data = measure_rows(conditions, rounds=rounds, seed=seed, warm=False, progress=progress)
    data.attrs["failed"] = failed | data.attrs["failed"]
    return data.assign(accelerator=f"KVM ({kvm.backend()})")


def _cycles_per_second() -> float:
    """Return how fast the guests' clock runs."""
    (_, cycles, *_), took = _look(100_000_000, 1 << 62)
    return cycles / took


def _look(
    cycles: int, away: int, begin: Callable[[], object] = lambda: None
) -> tuple[tuple[int, ...], float]:
    """Run a guest that looks at the clock; return the numbers that it left, and the seconds."""
    with Machine() as machine:
        machine.start_in_long_mode(kvm.guest("gaps"), rdi=cycles, rsi=away, rbx=_LEFT_AT)
        begin()
        started = time.perf_counter()
        machine.run(limit_s=30)
        took = time.perf_counter() - started
        return struct.unpack_from("=5Q", machine.memory, _LEFT_AT), took


def _look_together(cores: list[int], seconds: float, hertz: float) -> list[dict[str, float]]:
    """Run a guest on each of these cores, all from the same moment."""
    together = threading.Barrier(len(cores))
    seen: list[tuple[int, ...]] = []
    errors: list[BaseException] = []

    def one(core: int) -> None:
        os.sched_setaffinity(0, {core})  # of this thread alone
        try:
            begin = partial(together.wait, 10)
            seen.append(_look(int(seconds * hertz), int(_AWAY_US * 1e-6 * hertz), begin)[0])
        except (RuntimeFailed, OSError, threading.BrokenBarrierError) as error:
            errors.append(error)
            together.abort()

    threads = [threading.Thread(target=one, args=(core,), daemon=True) for core in cores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(40)
    if errors or len(seen) < len(cores):
        raise RuntimeFailed(f"kvm: a guest did not end: {errors[0] if errors else 'time is up'}")
    return [
        {
            "sharing": cores.count(cores[0]),
            "million_looks": looks / (total / hertz) / 1e6,
            "away_share": away / total,
            "times_away": times / (total / hertz),
            "longest_ms": 1e3 * longest / hertz,
        }
        for looks, total, times, away, longest in seen
    ]


# --- what is promised: memory and disk ------------------------------------------------------------

_RESERVED_MIB = 64
_USED_MIB = (1, 16, 64)


@experiment(f"{CHAPTER}/promises", claims=["C044"])
def promises() -> pd.DataFrame:
    """Promise three guests half of the host's memory each, and each a disk as large as the host's.

    Each then writes a little. Beside them stands one whose memory, or disk, the host has set aside
    from the start.

    Returns:
        One row a guest: condition, promised_mib, used_mib (written by the guest), held_mib (that
        the host has given for it), host_mib (all that the host has), accelerator (of memory).
    """
    rows: list[dict[str, Any]] = []
    failed: dict[str, str] = {}
    with ExitStack() as stack:
        for row, look in (*_memory_promises(stack), *_disk_promises(stack)):
            try:
                rows.append(row | look())
            except (RuntimeFailed, OSError) as error:
                failed[row["condition"]] = " ".join(str(error).split())
    if not rows:
        raise CannotMeasure("; ".join(dict.fromkeys(failed.values())))
    data = pd.DataFrame(rows)
    data["accelerator"] = np.where(
        data["condition"].str.startswith("memory"), f"KVM ({kvm.backend()})", ""
    )
    data.attrs["failed"] = failed
    return data


Look = tuple[dict[str, Any], Callable[[], dict[str, float]]]


def _memory_promises(stack: ExitStack) -> Iterator[Look]:
    whole = psutil.virtual_memory().total
    half = whole // 2 // PAGE * PAGE
    host_mib = whole / MIB
    for name, used in zip("ABC", _USED_MIB, strict=True):
        row = {"condition": f"memory: guest {name}", "promised_mib": half / MIB}
        yield row | {"host_mib": host_mib}, partial(_guest_memory, stack, half, used, False)
    row = {"condition": "memory: reserved", "promised_mib": _RESERVED_MIB, "host_mib": host_mib}
    yield row, partial(_guest_memory, stack, _RESERVED_MIB * MIB, _USED_MIB[0], True)


def _guest_memory(stack: ExitStack, size: int, used_mib: int, reserve: bool) -> dict[str, float]:
    """Start a guest that writes to so much of its memory; say what the host holds for it."""
    if not host.probe("kvm"):
        raise RuntimeFailed(f"kvm: {host.probe('kvm').why}")
    kind = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | (mmap.MAP_POPULATE if reserve else 0)
    memory = stack.enter_context(closing(mmap.mmap(-1, size, kind)))
    machine = stack.enter_context(Machine(memory=memory))
    pages = used_mib * MIB // PAGE
    machine.start_in_long_mode(kvm.guest("touch"), rcx=pages, rbx=4 * MIB)
    machine.run()
    return {"used_mib": used_mib, "held_mib": _held_bytes(memory) / MIB}


def _held_bytes(memory: mmap.mmap) -> int:
    """Return how much of a guest's memory the host holds, of the GiB that our guests can reach."""
    reach = min(len(memory), 1 << 30)
    pages = (ctypes.c_ubyte * (reach // PAGE))()
    libc = ctypes.CDLL(None, use_errno=True)
    address, size = ctypes.c_void_p(_address_of(memory)), ctypes.c_size_t(reach)
    if libc.mincore(address, size, pages):
        raise OSError(ctypes.get_errno(), "mincore")
    return int((np.frombuffer(bytes(pages), dtype=np.uint8) & 1).sum()) * PAGE


def _disk_promises(stack: ExitStack) -> Iterator[Look]:
    folder = stack.enter_context(leftovers.own_folder())
    room = os.statvfs(folder)
    whole = room.f_blocks * room.f_frsize
    for name, used in zip("ABC", _USED_MIB, strict=True):
        row = {"condition": f"disk: guest {name}", "promised_mib": whole / MIB}
        yield row | {"host_mib": whole / MIB}, partial(_disk, folder / name, whole, used, False)
    row = {"condition": "disk: reserved", "promised_mib": _RESERVED_MIB, "host_mib": whole / MIB}
    yield row, partial(_disk, folder / "R", _RESERVED_MIB * MIB, _USED_MIB[0], True)


def _disk(path: Path, size: int, used_mib: int, reserve: bool) -> dict[str, float]:
    """Make a disk, a file, and write so much to it; say what the file system holds for it."""
    with path.open("w+b", buffering=0) as disk:
        if reserve:
            os.posix_fallocate(disk.fileno(), 0, size)
        else:
            disk.truncate(size)
        for _ in range(used_mib):
            disk.write(b"\x55" * MIB)
        os.fsync(disk.fileno())
        return {"used_mib": used_mib, "held_mib": os.fstat(disk.fileno()).st_blocks * 512 / MIB}


@experiment(f"{CHAPTER}/full-pool", needs=[host.namespaces], claims=["C044"])
def full_pool(capacity_mib: int = 12, disks: int = 3) -> pd.DataFrame:
    """Call in all promises at once: fill disks that together are larger than their pool.

    Args:
        capacity_mib: of the pool, and of each disk.
        disks: how many.

    Returns:
        One row a disk: condition (`promised` or `reserved`), disk, promised_mib, written_mib, end.
    """
    words = ("promise", "reserve")
    with leftovers.own_folder() as folder:
        told = run_program("thin_disks.py", folder, capacity_mib, disks, *words)
    rows = [
        (f"{one['way']}d", f"disk {number % disks + 1}", capacity_mib, one["written"], one["end"])
        for number, one in enumerate(told)
    ]
    columns = ["condition", "disk", "promised_mib", "written_mib", "end"]
    return pd.DataFrame(rows, columns=columns)
