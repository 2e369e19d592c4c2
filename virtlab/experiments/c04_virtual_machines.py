"""Experiments of chapter 04: what happens between power-on and login, and what a machine is worth.

Whole machines run under QEMU by translation (TCG), which works on every host; nothing here is said
about their speed. What our own monitor runs, KVM executes; its backend is named.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import math
import mmap
import os
import platform
import re
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import psutil

from virtlab import host, images, leftovers, syscall_filters
from virtlab.experiments.running import PROGRAMS, qemu_img, qemu_io
from virtlab.host import find_tool
from virtlab.machines.bootsector import boot_sector, tiny_os
from virtlab.measure.rounds import measure_rows
from virtlab.registry import CannotMeasure, Measurement, experiment
from virtlab.resources.memory import memory_of
from virtlab.runtimes import RUNTIMES, Instance, RuntimeFailed, console, kvm
from virtlab.runtimes.console import ACCELERATOR, LOGIN, MICROVM, PC, Console
from virtlab.runtimes.launched import LaunchedRuntime
from virtlab.runtimes.linux_guest import find_kernel
from virtlab.runtimes.rooted import rooted

CHAPTER = "04-virtual-machines"
MIB = 1 << 20
Row = dict[str, Any]


# --- the smallest system ------------------------------------------------------------------------


def boot(sector: bytes, typed: str = "") -> str:
    """Boot 512 bytes on an emulated PC (TCG), type something, and return what it said.

    The machine ends when its program writes to port 0xf4. Where that does not happen within five
    seconds, or there is no QEMU, the answer says so.
    """
    try:
        with console.boot_sector(sector, "pc") as machine:
            if typed:
                with suppress(RuntimeFailed):
                    machine.read_until("", timeout_s=2.0)  # its first line; it may have none
                machine.enter(typed)
            return machine.read_to_the_end(timeout_s=5.0)
    except RuntimeFailed as error:
        return f"this machine could not: {error}"


@experiment(f"{CHAPTER}/tiny-os", needs=[host.qemu], claims=["C019", "C020"])
def tiny_os_boots(typed: str = "Hello q") -> pd.DataFrame:
    """Boot an operating system of 512 bytes, talk to it, and let it end its machine.

    Returns:
        One row: condition, accelerator, bytes (of all its software), greets, typed, answers,
        greeting_ms (from the call).
    """
    with console.boot_sector(tiny_os(), "pc") as machine:
        greeting = machine.read_until("TINY OS")
        greeting_ms = machine.lines[-1][0]
        machine.enter(typed)
        answer = machine.read_to_the_end(timeout_s=10.0).split("\n")[-1]
    row = {
        "condition": "the 512-byte system",
        "accelerator": ACCELERATOR,
        "bytes": len(tiny_os()),
        "greets": greeting,
        "typed": typed,
        "answers": answer,
        "greeting_ms": greeting_ms,
    }
    return pd.DataFrame([row])


# --- from power-on to login -----------------------------------------------------------------------

# A phase ends at the first line that holds one of its words.
PHASES: dict[str, tuple[str, ...]] = {
    "firmware": ("Linux version ", "TINY OS"),
    "kernel": ("Run /init as init process",),
    "user space": (LOGIN,),
}
BOOTED = ("PC, 512 bytes", "PC, Linux", "microvm, Linux")


@experiment(
    f"{CHAPTER}/boot",
    needs=[host.qemu, host.guest_kernel],
    claims=["C019"],
    recorded_with={"rounds": 5},
)
def boots(rounds: int = 1, seed: int = 1, progress: bool = False) -> pd.DataFrame:
    """Boot three machines, and stamp each line of their consoles with the host's clock.

    A PC with a BIOS boots 512 bytes, and a Linux kernel; a machine made for guests only (microvm)
    boots the same kernel. The kernel's file is in the page cache.

    Returns:
        One row a line: round, order, condition, ms (from power-on), line, accelerator. Of rounds
        after the first only the lines that end a phase.
    """
    kernel = find_kernel()
    if kernel is not None:
        kernel.read_bytes()  # so that no boot has to wait for the disk
    booted: set[str] = set()

    def lines(name: str) -> Iterable[Row]:
        with _start_booting(name) as machine:
            machine.read_until("TINY OS" if name == BOOTED[0] else LOGIN)
            told = list(machine.lines)
        first = name not in booted
        booted.add(name)
        for ms, line in told:
            if first or any(word in line for words in PHASES.values() for word in words):
                yield {"ms": round(ms, 2), "line": line[:100], "accelerator": ACCELERATOR}

    conditions = {name: partial(lines, name) for name in BOOTED}
    return measure_rows(conditions, rounds=rounds, seed=seed, warm=False, progress=progress)


def _start_booting(name: str) -> Console:
    if name == BOOTED[0]:
        return console.boot_sector(tiny_os())
    return console.linux(PC if name.startswith("PC") else MICROVM, loud=True)


def phases(m: Measurement) -> Measurement:
    """Return the phases of boots that `boots` logged: one row a phase, with start_ms and end_ms.

    The conditions name the accelerator: this becomes a figure.
    """
    rows = []
    for (number, machine), log in m.data.groupby(["round", "condition"], sort=False):
        start, name = 0.0, f"{machine} ({log['accelerator'].iloc[0]})"
        for phase, words in PHASES.items():
            ends = log[[any(word in line for word in words) for line in log["line"]]]
            if ends.empty:
                continue
            end = float(ends["ms"].iloc[0])
            rows.append((number, name, phase, start, end, *ends[["source", "reason"]].iloc[0]))
            start = end
    names = ["round", "condition", "phase", "start_ms", "end_ms", "source", "reason"]
    data = pd.DataFrame(rows, columns=names)
    places = {name: place for place, name in enumerate(reversed(BOOTED))}  # from the bottom up
    machines = data["condition"].str.replace(r" \(.*\)$", "", regex=True)
    data = data.iloc[machines.map(places).argsort(kind="stable")]
    return replace(m, data=data.reset_index(drop=True))


# --- who executes it ------------------------------------------------------------------------------

STEPS = {"count": 20_000_000, "port": 2_000, "mmio": 2_000}


@experiment(f"{CHAPTER}/exits", needs=[host.kvm], claims=["C019"])
def exits(steps: Mapping[str, int] | None = None) -> pd.DataFrame:
    """Run guests that compute, and guests that use a device, and count how often they had to stop.

    Returns:
        One row a guest: condition, accelerator, steps (turns of its loop), exits (the kernel had to
        step in), returns (our monitor, a process, had to), ms.
    """
    what = {"count": "computes", "port": "writes to a port", "mmio": "writes to device memory"}
    rows = []
    for name, count in (steps or STEPS).items():
        with kvm.Machine() as machine:
            machine.start_in_long_mode(kvm.guest(name), ring=3, rcx=count)
            before = machine.stats().get("exits")
            started = time.perf_counter_ns()
            machine.run()
            ms = (time.perf_counter_ns() - started) / 1e6
            after = machine.stats().get("exits")
            rows.append(
                {
                    "condition": what[name],
                    "accelerator": f"KVM ({kvm.backend()})",
                    "steps": count,
                    "exits": math.nan if before is None or after is None else after - before,
                    "returns": machine.returns.total(),
                    "ms": ms,
                }
            )
    return pd.DataFrame(rows)


# --- memory -------------------------------------------------------------------------------------

TAKEN_MIB = 48


@experiment(
    f"{CHAPTER}/guest-memory",
    needs=[host.qemu, host.guest_kernel],
    claims=["C019"],
    recorded_with={"sizes_mib": (128, 512)},
)
def guest_memory(sizes_mib: Sequence[int] = (512,)) -> pd.DataFrame:
    """Promise guests memory, let them take some and give it back, and see what the host holds.

    Returns:
        One row a step: condition, promised_mib, step, guest_mib (what the guest says it uses; for
        our own monitor what its program touched), held_mib (what the host holds of the guest's
        memory, as PSS), monitor_mib (PSS of the rest of the monitor), accelerator.
    """
    rows, failed = [], {}
    name = "our monitor, 64 MiB"
    try:
        rows += [{"condition": name, **row} for row in _touched_memory(64)]
    except RuntimeFailed as error:
        failed[name] = str(error)
    with ExitStack() as stack:  # they boot side by side
        guests = {mib: stack.enter_context(_guest_with_memory(mib)) for mib in sizes_mib}
        for mib, guest in guests.items():
            rows += [{"condition": f"Linux, {mib} MiB", **row} for row in _steps(guest, mib)]
    data = pd.DataFrame(rows)
    data.attrs["failed"] = failed
    return data


def _guest_with_memory(mib: int) -> Console:
    """A Linux guest whose memory is a mapping with a name, so that the host can tell it apart."""
    memory = f"memory-backend-memfd,id=guest,size={mib}M,share=on"
    machine = f"{MICROVM},memory-backend=guest"
    return console.linux(machine, memory_mib=mib, options=["-object", memory])


def _steps(guest: Console, mib: int) -> Iterator[Row]:
    guest.read_until(LOGIN)
    commands = {
        "booted": "true",
        f"takes {TAKEN_MIB} MiB": f"dd if=/dev/zero of=/tmp/taken bs=1M count={TAKEN_MIB}",
        "gives it back": "rm /tmp/taken",
    }
    for step, command in commands.items():
        guest.ask(f"{command} 2>/dev/null")
        told = dict(re.findall(r"(Mem\w+): +(\d+) kB", guest.ask("cat /proc/meminfo")))
        held, monitor = _guest_share(guest.process.pid)
        yield {
            "promised_mib": mib,
            "step": step,
            # What the kernel took before it counted is in use, too.
            "guest_mib": mib - int(told["MemFree"]) / 1024,
            "held_mib": held / MIB,
            "monitor_mib": monitor / MIB,
            "accelerator": ACCELERATOR,
        }


def _guest_share(pid: int) -> tuple[int, int]:
    """The PSS in bytes of the mapping that is the guest's memory, and of all else of a monitor."""
    held, inside = 0, False
    try:
        for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
            if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
                inside = "memory-backend-memfd" in line
            elif inside and line.startswith("Pss:"):
                held += int(line.split()[1]) * 1024
    except OSError as error:
        raise CannotMeasure(f"the memory of process {pid}: {error.strerror}") from None
    return held, memory_of([pid]).pss - held


def _touched_memory(promised_mib: int) -> list[Row]:
    """Let a guest of our own monitor touch page after page; see which pages the host has given."""
    rows = []
    with kvm.Machine(promised_mib * MIB) as machine:
        machine.memory.madvise(mmap.MADV_NOHUGEPAGE)
        place = 4 * MIB
        touched = 0
        for more in (0, 16, 32):
            pages = more * MIB // mmap.PAGESIZE
            if pages:
                start = place + touched * MIB
                machine.start_in_long_mode(kvm.guest("touch"), ring=3, rcx=pages, rbx=start)
                machine.run()
            touched += more
            rows.append(
                {
                    "promised_mib": promised_mib,
                    "step": f"touches {touched} MiB" if touched else "made",
                    "guest_mib": float(touched),
                    "held_mib": _present(machine.memory) / MIB,
                    "monitor_mib": math.nan,
                    "accelerator": f"KVM ({kvm.backend()})",
                }
            )
    return rows


def _present(memory: mmap.mmap) -> int:
    """How many bytes of a mapping of this process have a page frame behind them."""
    start = ctypes.addressof(ctypes.c_char.from_buffer(memory)) // mmap.PAGESIZE
    count = len(memory) // mmap.PAGESIZE
    with Path("/proc/self/pagemap").open("rb") as pagemap:
        pagemap.seek(8 * start)
        entries = struct.unpack(f"={count}Q", pagemap.read(8 * count))
    return mmap.PAGESIZE * sum(entry >> 63 for entry in entries)


# --- disks ----------------------------------------------------------------------------------------

CLUSTER = 64 * 1024
FILES = ("base", "monday", "tuesday", "wednesday")
EMPTY, DAMAGE = 0, 0xEE


@experiment(f"{CHAPTER}/chain", needs=[host.qemu_img], claims=["C022"])
def chain() -> pd.DataFrame:
    """Build a chain of disk images, break its newest one, restore, and then lose its base.

    Each disk has four clusters of 64 KiB; a letter stands for a cluster full of it. A day's file
    holds only what was written on that day.

    Returns:
        One row a look: condition (when), file, clusters (what a reader of the disk sees), own (what
        the file itself holds; "·" for a cluster that it leaves to the file below), bytes.
    """
    rows = []
    with leftovers.own_folder() as folder:

        def look(when: str, *names: str) -> None:
            for name in names:
                rows.append({"condition": when, "file": name, **_look(folder / name)})

        qemu_img("create", "-f", "qcow2", folder / "base", str(4 * CLUSTER))
        _write(folder / "base", 0, "A")
        _write(folder / "base", 1, "B")
        for below, name, cluster, letter in [
            ("base", "monday", 1, "M"),
            ("monday", "tuesday", 2, "T"),
            ("tuesday", "wednesday", 3, "W"),
        ]:
            _overlay(folder / name, folder / below)
            _write(folder / name, cluster, letter)
        look("before", *FILES)
        for cluster in range(4):
            _write(folder / "wednesday", cluster, "x")
        look("broken", "wednesday")
        (folder / "wednesday").unlink()
        _overlay(folder / "wednesday", folder / "tuesday")
        look("restored to tuesday", "wednesday")
        (folder / "base").unlink()
        look("base lost", *FILES[1:])
    return pd.DataFrame(rows)


def _look(file: Path) -> Row:
    raw = file.with_suffix(".raw")
    try:
        qemu_img("convert", "-O", "raw", file, raw)
        data = raw.read_bytes()
        held = json.loads(qemu_img("map", "--output=json", file))
    except RuntimeFailed as error:
        said = "cannot be read" if "backing file" in str(error) else str(error)
        return {"clusters": said, "own": "", "bytes": file.stat().st_size}
    finally:
        raw.unlink(missing_ok=True)
    seen = "".join(chr(data[number * CLUSTER] or ord("0")) for number in range(4))
    own = ["·"] * 4
    for part in held:
        first, count = part["start"] // CLUSTER, part["length"] // CLUSTER
        if part["depth"] == 0 and part["data"]:
            own[first : first + count] = seen[first : first + count]
    return {"clusters": seen, "own": "".join(own), "bytes": file.stat().st_size}


WAYS = ("new overlay", "internal snapshot", "copied backup")
DAMAGED_MIB = 8


@experiment(
    f"{CHAPTER}/restore-disk",
    needs=[host.qemu_img],
    claims=["C022"],
    recorded_with={"rounds": 5, "sizes_mib": (16, 128, 512)},
)
def restore_disk(
    sizes_mib: Sequence[int] = (16, 128),
    rounds: int = 1,
    seed: int = 1,
    progress: bool = False,
) -> pd.DataFrame:
    """Save a disk's state, damage the disk, and restore it, in three ways, on disks of some sizes.

    A new overlay takes the place of the damaged one; a snapshot inside the file is gone back to; a
    backup is copied back.

    All of the disk is in use. The damage is always as large. The page cache is warm.

    Returns:
        One row a restore: round, order, condition, mib (of the disk), save_ms, restore_ms, broken
        and restored (whether the damage, and its end, were seen).
    """
    with leftovers.own_folder() as folder:
        disks = [_Disks(folder, mib) for mib in sizes_mib]
        conditions: dict[str, Callable[[], list[Row]]] = {
            way: partial(_round_trips, way, disks) for way in WAYS
        }
        return measure_rows(conditions, rounds=rounds, seed=seed, warm=False, progress=progress)


def _round_trips(way: str, disks: Iterable[_Disks]) -> list[Row]:
    return [disk.round_trip(way) for disk in disks]


class _Disks:
    """Disks of one size, one for each way to restore, all full of ones."""

    def __init__(self, folder: Path, mib: int) -> None:
        self.mib = mib
        self.place = folder / str(mib)
        self.place.mkdir()
        qemu_img("create", "-f", "qcow2", self.place / "base", f"{mib}M")
        qemu_io(self.place / "base", f"write -P 1 0 {mib}M")
        shutil.copyfile(self.place / "base", self.place / WAYS[1])
        shutil.copyfile(self.place / "base", self.place / WAYS[2])

    def round_trip(self, way: str) -> Row:
        disk = self.place / way
        steps: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
            WAYS[0]: (
                partial(_overlay, disk, self.place / "base"),
                partial(_overlay, disk, self.place / "base"),
            ),
            WAYS[1]: (
                partial(qemu_img, "snapshot", "-c", "good", disk),
                partial(qemu_img, "snapshot", "-a", "good", disk),
            ),
            WAYS[2]: (
                partial(shutil.copyfile, disk, self.place / "backup"),
                partial(shutil.copyfile, self.place / "backup", disk),
            ),
        }
        save, restore = steps[way]
        save_ms = _timed(save)
        qemu_io(disk, f"write -P {DAMAGE} 0 {DAMAGED_MIB}M")
        broken = not self._is_good(disk)
        restore_ms = _timed(restore)
        restored = self._is_good(disk)
        if way == WAYS[1]:
            qemu_img("snapshot", "-d", "good", disk)
        times = {"save_ms": save_ms, "restore_ms": restore_ms}
        return {"mib": self.mib, **times, "broken": broken, "restored": restored}

    def _is_good(self, disk: Path) -> bool:
        return "Pattern verification failed" not in qemu_io(disk, f"read -P 1 0 {self.mib}M")


def _timed(action: Callable[[], object]) -> float:
    started = time.perf_counter_ns()
    action()
    return (time.perf_counter_ns() - started) / 1e6


def _overlay(file: Path, below: Path) -> None:
    """Make a new, empty image on top of another one; an older file of its name is gone."""
    file.unlink(missing_ok=True)
    qemu_img("create", "-f", "qcow2", "-F", "qcow2", "-b", below, file)


def _write(file: Path, cluster: int, letter: str) -> None:
    qemu_io(file, f"write -P {ord(letter)} {cluster * CLUSTER} {CLUSTER}")


# --- a throw-away environment -------------------------------------------------------------------

# It is run in a folder that carries a mark, so that a mistake of ours could not break a machine.
WRECK = 'cd "$1" && test -f throw-away && {busybox} rm -rf app bin throw-away; echo left: *'
PLACES = (
    "no wall: a folder of the host",
    "container, unpacked anew",
    "VM, started anew",
    "VM, snapshot loaded",
)


@experiment(
    f"{CHAPTER}/throw-away",
    needs=[host.namespaces, host.qemu, host.qemu_img, host.guest_kernel],
    claims=["C022", "C083"],
    recorded_with={"rounds": 8},
)
def throw_away(rounds: int = 1, seed: int = 1, progress: bool = False) -> pd.DataFrame:
    """Wreck an environment on purpose, then reset it; look whether the host has changed.

    The same command removes the application and its tools in a folder of the host (the control:
    there, the host does change), in a container, and in a virtual machine (TCG). In these two it is
    aimed at that folder of the host as well, by its full path.

    Returns:
        One row a reset: round, order, condition, broken (the application did not answer any more),
        reset_ms (from the first step to the application's next answer; NaN for the control, which
        nobody resets), works_again, host_unchanged (the files of that folder), accelerator.
    """
    with leftovers.own_folder() as folder:
        conditions: dict[str, Callable[[], list[Row]]] = {
            PLACES[0]: partial(_wreck_a_folder, folder),
            PLACES[1]: partial(_wreck_a_container, folder),
            "VM": partial(_wreck_a_machine, folder),
        }
        data = measure_rows(conditions, rounds=rounds, seed=seed, warm=False, progress=progress)
    if "place" in data:
        data["condition"] = data.pop("place")
    failed = data.attrs["failed"]
    if "VM" in failed:
        why = failed.pop("VM")
        failed |= dict.fromkeys(PLACES[2:], why)
    return data


def resets(m: Measurement) -> Measurement:
    """Return the resets of `throw_away` without the control, which nobody resets."""
    return replace(m, data=m.data.dropna(subset=["reset_ms"]).reset_index(drop=True))


def _house(folder: Path) -> Path:
    """A folder of the host, made for this, with an application in it."""
    house = folder / "house"
    if house.exists():
        shutil.rmtree(house)
    store: dict[str, bytes] = {}
    files: dict[str, str | bytes | Path | None] = {
        **images.programs("busybox"),
        "/bin/sh": images.programs("busybox")["/bin/busybox"],
        "/app/hello": "#!/bin/sh\necho hello\n",
        "/throw-away": "may be wrecked\n",
    }
    house.mkdir()
    images.unpack(images.build([images.pack(files)], ["/app/hello"], store), store, house)
    return house


def _fingerprint(folder: Path) -> str:
    """A digest of all files of a folder: their names and what is in them."""
    seen = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            seen.update(f"{path.relative_to(folder)}\0".encode() + path.read_bytes())
    return seen.hexdigest()


def _wreck_a_folder(folder: Path) -> list[Row]:
    house = _house(folder)
    before = _fingerprint(house)
    shell = find_tool("busybox") or "busybox"
    script = WRECK.format(busybox=shell)
    subprocess.run(
        [shell, "sh", "-c", script, "wreck", str(house)],
        check=True,
        timeout=20,
        stdout=subprocess.DEVNULL,
    )
    broken = not (house / "app" / "hello").exists()
    unchanged = _fingerprint(house) == before
    return [_wrecked(PLACES[0], broken, math.nan, False, unchanged, "")]


def _wreck_a_container(folder: Path) -> list[Row]:
    house = _house(folder)
    before = _fingerprint(house)
    box = folder / "box"
    _unpack_box(house, box)
    runtime = RUNTIMES["namespaces"]
    assert isinstance(runtime, LaunchedRuntime)
    with rooted(runtime, box) as container:
        script = WRECK.format(busybox="/bin/busybox")
        for aim in (str(house), "/"):  # the folder of the host first: then the shell is gone
            container.lives(1, ["/bin/busybox", "sh", "-c", script, "wreck", aim])
        broken = not _says_hello(container)
        started = time.perf_counter_ns()
        _unpack_box(house, box)
        works = _says_hello(container)
        reset_ms = (time.perf_counter_ns() - started) / 1e6
    shutil.rmtree(box)
    unchanged = _fingerprint(house) == before
    return [_wrecked(PLACES[1], broken, reset_ms, works, unchanged, "")]


def _unpack_box(house: Path, box: Path) -> None:
    """Make a container's root anew from what the host keeps of it."""
    for name in ("app", "bin", "throw-away"):
        target = box / name
        if target.is_dir():
            shutil.rmtree(target)
    shutil.copytree(house, box, dirs_exist_ok=True)
    for mount_point in ("proc", "dev", "tmp"):
        (box / mount_point).mkdir(exist_ok=True)


def _says_hello(container: LaunchedRuntime) -> bool:
    try:
        life = container.lives(1, ["/bin/busybox", "sh", "/app/hello"])[0]
    except RuntimeFailed:
        return False  # its shell is gone
    return str(life["output"]).strip() == "hello"


def _wreck_a_machine(folder: Path) -> list[Row]:
    house = _house(folder)
    disk = folder / "disk"
    disk.unlink(missing_ok=True)
    qemu_img("create", "-f", "qcow2", disk, "16M")
    before = _fingerprint(house)
    files = {
        "/throw-away": b"may be wrecked\n",
        "/app/hello": (house / "app" / "hello").read_bytes(),
    }
    drive = ["-drive", f"if=none,file={disk},format=qcow2"]
    rows = []

    def start() -> Console:
        return console.linux(extra_files=files, options=drive, qmp=True)

    with start() as guest:
        guest.read_until(LOGIN)
        assert _guest_says_hello(guest)
        guest.monitor("savevm good")
        broken = _wreck_guest(guest, house)
        started = time.perf_counter_ns()
        guest.monitor("loadvm good")
        works = _guest_says_hello(guest)
        load_ms = (time.perf_counter_ns() - started) / 1e6
        unchanged = _fingerprint(house) == before
        rows.append(_wrecked(PLACES[3], broken, load_ms, works, unchanged, ACCELERATOR))
        broken = _wreck_guest(guest, house)
        started = time.perf_counter_ns()
    with start() as guest:
        guest.read_until(LOGIN)
        works = _guest_says_hello(guest)
        anew_ms = (time.perf_counter_ns() - started) / 1e6
    unchanged = _fingerprint(house) == before
    rows.insert(0, _wrecked(PLACES[2], broken, anew_ms, works, unchanged, ACCELERATOR))
    return rows


def _wreck_guest(guest: Console, house: Path) -> bool:
    """Aim at the host's folder, then wreck the guest; returns whether its application is gone."""
    for aim in (house, "/"):
        guest.ask(f"sh -c '{WRECK.format(busybox='busybox')}' wreck {aim}")
    return not _guest_says_hello(guest)


def _guest_says_hello(guest: Console) -> bool:
    return guest.ask("sh /app/hello 2>/dev/null").strip() == "hello"


def _wrecked(
    place: str, broken: bool, reset_ms: float, works: bool, unchanged: bool, accelerator: str
) -> Row:
    return {
        "place": place,
        "broken": broken,
        "reset_ms": reset_ms,
        "works_again": works,
        "host_unchanged": unchanged,
        "accelerator": accelerator,
    }


# --- the wall -----------------------------------------------------------------------------------


@experiment(
    f"{CHAPTER}/interface-width",
    needs=[host.namespaces, host.qemu],
    claims=["C021"],
)
def interface_width() -> pd.DataFrame:
    """Count what untrusted code can reach: the host's system calls, or the devices of a machine.

    The containers have no capabilities; with some, Docker's filter lets a few calls more pass.

    System calls are those that every seccomp filter of the process lets pass, with some arguments
    at least. A guest's own system calls end in its own kernel; what it can reach is the doors: the
    ranges of ports and of memory behind which its monitor answers. The monitor is a process, whose
    system calls are counted in turn.

    Returns:
        One row for each prison: condition, calls (system calls of the host that code inside makes
        directly), doors, devices, wall_calls (those that the process which is the wall may make;
        NaN where the wall is the host's kernel itself), accelerator.
    """
    rows, failed = [], {}
    prisons: dict[str, Callable[[], Row]] = {
        "process": partial(_calls_of, "posix_spawn"),
        "container, namespaces only": partial(_calls_of, "namespaces"),
        "container by Docker": partial(_calls_of, "docker"),
        "container by gVisor": _calls_of_gvisor,
        "VM, our own monitor": _own_doors,
        "VM, QEMU's usual PC": partial(_doors_of_qemu, "pc", ()),
        "VM, the same with -sandbox on": partial(_doors_of_qemu, "pc", SANDBOX),
        "VM, microvm with -sandbox on": partial(_doors_of_qemu, MICROVM, SANDBOX),
    }
    for name, look in prisons.items():
        try:
            rows.append({"condition": name, "doors": 0, "devices": 0, "accelerator": "", **look()})
        except (RuntimeFailed, CannotMeasure) as error:
            failed[name] = " ".join(str(error).split())
    columns = ["condition", "calls", "doors", "devices", "wall_calls", "accelerator"]
    data = pd.DataFrame(rows).reindex(columns=columns)
    data.attrs["failed"] = failed
    return data


SANDBOX = (
    "-sandbox",
    "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
)


def _calls_of(name: str) -> Row:
    """The system calls that the program of a process or of a container may make."""
    runtime = RUNTIMES[name]
    if not (available := runtime.available()):
        raise RuntimeFailed(available.why)
    with runtime.start() as instance:
        return {"calls": len(_reachable_by(instance.pid))}


def _reachable_by(pid: int) -> list[str]:
    if platform.machine() != "x86_64":
        raise CannotMeasure("the table of system calls is that of x86-64")
    return syscall_filters.reachable(syscall_filters.filters_of(pid))


def _calls_of_gvisor() -> Row:
    """The kernel of gVisor is a process, called the sentry; its programs' calls end in it."""
    runtime = RUNTIMES["gvisor"]
    if not (available := runtime.available()):
        raise RuntimeFailed(available.why)
    with runtime.start() as instance:
        return {"calls": 0, "wall_calls": len(_reachable_by(_sentry(instance)))}


def _sentry(instance: Instance) -> int:
    first = psutil.Process(instance.pid)
    for process in [first, *first.children(recursive=True)]:
        if "boot" in process.cmdline():
            return process.pid
    raise RuntimeFailed("gvisor: its kernel's process was not found")


def _own_doors() -> Row:
    """Our own monitor answers at two ports: the serial port, and the one that ends the machine."""
    if not host.kvm:
        raise RuntimeFailed(host.probe("kvm").why)
    accelerator = f"KVM ({kvm.backend()})"
    return {
        "calls": 0,
        "doors": 2,
        "devices": 1,
        "wall_calls": _calls_of("posix_spawn")["calls"],  # it has no filter but its starter's
        "accelerator": accelerator,
    }


def _doors_of_qemu(machine: str, options: Sequence[str]) -> Row:
    """What QEMU lists of a machine that waits for its first instruction."""
    with Console(machine, list(options), qmp=True, paused=True, memory_mib=64) as waiting:
        tree = waiting.monitor("info mtree -f")
        devices = re.findall(r"^ *dev: ", waiting.monitor("info qtree"), re.MULTILINE)
        calls = _reachable_by(waiting.process.pid)
    return {
        "calls": 0,
        "doors": len(doors(tree)),
        "devices": len(devices),
        "wall_calls": len(calls),
        "accelerator": ACCELERATOR,
    }


def doors(tree: str) -> set[tuple[str, str]]:
    """Return the ranges at which a device answers, from QEMU's flat lists of memory and of ports.

    Memory and read-only memory are no doors; neither are ports where nobody is.
    """
    found = set()
    for view in tree.split("FlatView #")[1:]:
        is_ports, is_memory = 'AS "I/O"' in view, 'AS "memory"' in view
        if not (is_ports or is_memory):
            continue
        for place, name in re.findall(r"^  ([0-9a-f]+-[0-9a-f]+) \(.*, i/o\): (.*)$", view, re.M):
            if name.split(" @")[0] != "io":
                found.add(("port" if is_ports else "memory", place))
    return found


# --- the crash ------------------------------------------------------------------------------------

CRASH = "echo c > /proc/sysrq-trigger"
TENANT = "while true; do echo tick from {name} > /dev/console; sleep 0.2; done"


@experiment(
    f"{CHAPTER}/kernel-crash",
    needs=[host.qemu, host.guest_kernel],
    claims=["C020", "C021"],
)
def kernel_crash() -> pd.DataFrame:
    """Crash the kernel of a guest; see who is left: its tenants, its sibling, the host.

    Two tenants live behind namespaces on the guest's kernel. They are the control: walls inside one
    kernel do not outlive it. The machines run under TCG.

    Returns:
        One row for each party: condition, kernel (whose kernel it runs on: its release), before and
        after (answers or silent), last_words, accelerator.
    """
    boot_id = Path("/proc/sys/kernel/random/boot_id").read_text()
    with console.linux() as victim, console.linux() as sibling:
        for guest in (victim, sibling):
            guest.read_until(LOGIN)
        release = victim.ask("uname -r")
        its_sibling = sibling.ask("uname -r")
        for name in ("A", "B"):
            victim.ask(f"unshare -u -p -f -m sh -c '{TENANT.format(name=name)}' &")
        ticks = victim.listen(1.0)
        before = {name: any(f"from {name}" in line for line in ticks) for name in ("A", "B")}
        answers = "42" in victim.ask("echo $((6 * 7))").splitlines()  # among the ticks
        victim.enter("echo 8 > /proc/sys/kernel/printk; " + CRASH + "\n")
        told = victim.read_to_the_end().splitlines()
        panic = next((line for line in told if "Kernel panic" in line), "")
        alive_after = victim.is_on
        ticks_after = victim.listen(0.5)
        sibling_answers = sibling.ask("echo $((6 * 7))") == "42"
    host_stands = Path("/proc/sys/kernel/random/boot_id").read_text() == boot_id
    rows = [
        ("the guest", release, answers, alive_after, panic[-80:], ACCELERATOR),
        *(
            (
                f"tenant {name}, on the guest's kernel",
                release,
                before[name],
                any(f"from {name}" in line for line in ticks_after),
                "",
                ACCELERATOR,
            )
            for name in ("A", "B")
        ),
        ("its sibling", its_sibling, True, sibling_answers, "", ACCELERATOR),
        ("the host", os.uname().release, True, host_stands, "", ""),
    ]
    names = ["condition", "kernel", "before", "after", "last_words", "accelerator"]
    data = pd.DataFrame(rows, columns=names)
    words = {True: "answers", False: "silent"}
    data[["before", "after"]] = data[["before", "after"]].apply(lambda column: column.map(words))
    return data


# --- old programs -------------------------------------------------------------------------------


@experiment(f"{CHAPTER}/sixteen-bit", needs=[host.qemu], claims=["C022"])
def sixteen_bit() -> pd.DataFrame:
    """Run a 16-bit program as this host's own program, and as a guest of two monitors.

    It writes the primes below 50. One of its instructions no longer exists in 64-bit code.

    Returns:
        One row for each place: condition, accelerator, says (its output, or how it ended).
    """
    program = kvm.guest("primes")
    rows, failed = [], {}
    with leftovers.own_folder() as folder:
        file = folder / "primes.com"
        file.write_bytes(program)
        file.chmod(0o755)
        rows.append(("started by the host's kernel", "", _started(file)))
        rows.append(("called as 64-bit code", "", _called(file)))
    rows.append(("guest of QEMU", ACCELERATOR, _of_qemu(program)))
    own = "guest of our own monitor"
    try:
        with kvm.Machine() as machine:
            machine.start_in_real_mode(program)
            machine.run()
            said = machine.serial.decode().strip()
        rows.append((own, f"KVM ({kvm.backend()})", said))
    except RuntimeFailed as error:
        failed[own] = str(error)
    data = pd.DataFrame(rows, columns=["condition", "accelerator", "says"])
    data.attrs["failed"] = failed
    return data


def _started(file: Path) -> str:
    try:
        done = subprocess.run([file], capture_output=True, text=True, timeout=10, check=False)
    except OSError as error:
        return f"refused: {error.strerror}"
    return done.stdout.strip() or f"ended with {done.returncode}"


def _called(file: Path) -> str:
    caller = [sys.executable, "-I", "-S", str(PROGRAMS / "as_64_bit.py"), str(file)]
    done = subprocess.run(caller, capture_output=True, text=True, timeout=10, check=False)
    if done.returncode < 0:
        return f"killed: {signal.strsignal(-done.returncode)}"
    return done.stdout.strip() or f"ended with {done.returncode}"


def _of_qemu(program: bytes) -> str:
    with console.boot_sector(boot_sector(program), "pc") as machine:
        return machine.read_to_the_end(timeout_s=10.0).split("\n")[-1]
