"""Experiments of chapter 02: who runs the machine that runs my machine."""

from __future__ import annotations

import math
import mmap
import os
import re
import signal
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil

from virtlab import host
from virtlab.experiments.witnesses import witnesses
from virtlab.measure.rounds import measure_rounds
from virtlab.models.hypervisors import EXCEPTIONS, PRODUCTS, kind
from virtlab.native import COUNT, Native
from virtlab.registry import CannotMeasure, experiment
from virtlab.runtimes import RuntimeFailed, console, kvm, xen
from virtlab.runtimes.console import ACCELERATOR, LOGIN, MICROVM, Console
from virtlab.runtimes.cpu_emulator import emulated_processor
from virtlab.runtimes.launcher import payload

CHAPTER = "02-hypervisors"
MIB = 1 << 20


# --- what am I running on -----------------------------------------------------------------------


@experiment(f"{CHAPTER}/witnesses", claims=["C007"])
def what_am_i_running_on() -> pd.DataFrame:
    """Ask everybody on this machine who could know what it runs on.

    Returns:
        One row a witness: condition (its name), says, looks_at.
    """
    return pd.DataFrame(witnesses(), columns=["condition", "says", "looks_at"])


def products() -> pd.DataFrame:
    """Place ten products among the two types, by facts and a rule.

    Returns:
        One row a product: product, type, what has the highest privilege, whose drivers serve, what
        a VM is there, remark, source (of the facts).
    """
    names = ("type", "highest privilege", "drivers", "a VM is", "remark", "source")
    rows = [
        (
            product,
            kind(facts),
            facts.privileged,
            facts.drivers,
            facts.vm_is,
            EXCEPTIONS.get(product, ""),
            facts.source,
        )
        for product, facts in PRODUCTS.items()
    ]
    return pd.DataFrame(rows, columns=["product", *names])


# --- our own monitor over /dev/kvm ----------------------------------------------------------------

_COUNTER = 0x180000  # where the guest `progress` leaves its count
_FOREVER = 2**62


class _Tenant:
    """A guest that counts in a thread of its own, and can be paused, resumed and ended."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.machine = kvm.Machine()
        self.machine.start_in_long_mode(kvm.guest("progress"), 3, rbx=_COUNTER, rcx=_FOREVER)
        self._thread: threading.Thread | None = None
        self.state = "made"

    def resume(self) -> None:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.state = "running"
        self._thread.start()

    def _run(self) -> None:
        with suppress(RuntimeFailed):  # it is always kicked out
            self.machine.run(limit_s=60)

    def pause(self) -> None:
        if self._thread is not None:
            self.machine.kick()
            self._thread.join(10)
            self._thread = None
        self.state = "paused"

    def end(self) -> None:
        if self.state != "ended":
            self.pause()
            self.machine.close()
            self.state = "ended"

    @property
    def turns(self) -> int:
        """How far it has come; read from its memory, without stopping it."""
        return int(struct.unpack_from("=Q", self.machine.memory, _COUNTER)[0])


@experiment(f"{CHAPTER}/fleet", needs=[host.kvm], claims=["C006"], recorded_with={"seconds": 1.2})
def fleet(seconds: float = 0.9, samples: int = 27) -> pd.DataFrame:
    """Run several guests at once under our own monitor; pause, resume, add and end some.

    A and B run all the time. C is paused after a third of it and goes on after two thirds. D is
    made after a third; A is ended after two thirds.

    Returns:
        One row a sample: condition (the guest), ms, million_turns, state, accelerator.
    """
    kvm.accept_kicks()
    rows = []
    with ExitStack() as stack:

        def make(name: str) -> _Tenant:
            tenant = _Tenant(name)
            stack.callback(tenant.end)
            tenant.resume()
            return tenant

        guests = {name: make(name) for name in ("guest A", "guest B", "guest C")}
        third, two_thirds = samples // 3, 2 * samples // 3
        started = time.perf_counter()
        for number in range(samples + 1):
            if number == third:
                guests["guest C"].pause()
                guests["guest D"] = make("guest D")
            if number == two_thirds:
                guests["guest C"].resume()
                guests.pop("guest A").end()
            now = 1e3 * (time.perf_counter() - started)
            rows += [(one.name, now, one.turns / 1e6, one.state) for one in guests.values()]
            time.sleep(max(0.0, (number + 1) * seconds / samples - now / 1e3))
    data = pd.DataFrame(rows, columns=["condition", "ms", "million_turns", "state"])
    return data.assign(accelerator=f"KVM ({kvm.backend()})")


@experiment(f"{CHAPTER}/speed", needs=[host.kvm], claims=["C006"], recorded_with={"rounds": 30})
def speed(rounds: int = 12, seed: int = 1, progress: bool = False) -> pd.DataFrame:
    """Time the same loop of machine code: by this process, by guests, by an emulator.

    Returns:
        Columns round, order, condition, turns, ns_per_turn, accelerator (of a guest). The loop has
        two instructions a turn; what a call or an entry and its end take is not in the time.
    """
    loop = Native(COUNT)
    slow = "software" in kvm.backend()  # ring 0 is then interpreted
    conditions: dict[str, Callable[[], dict[str, float]]] = {
        "native": partial(_per_turn, loop.seconds, 40_000_000),
        "guest, ring 3": partial(_per_turn, partial(_guest_seconds, 3), 40_000_000),
        "guest, ring 0": partial(
            _per_turn, partial(_guest_seconds, 0), 20_000 if slow else 40_000_000
        ),
    }
    failed = {}
    if unicorn := host.probe("unicorn"):
        conditions["emulator"] = partial(_per_turn, _emulator_seconds, 4_000_000)
    else:
        failed["emulator"] = unicorn.why
    data = measure_rounds(conditions, rounds=rounds, seed=seed, progress=progress)
    behind = {"native": "", "emulator": "TCG (Unicorn)"}
    data["accelerator"] = data["condition"].map(
        lambda name: behind.get(name, f"KVM ({kvm.backend()})")
    )
    data.attrs["failed"] = failed | data.attrs["failed"]
    return data


def _per_turn(seconds: Callable[[int], float], turns: int) -> dict[str, float]:
    """Time many turns, and take off what a run with one turn takes: the way in and out."""
    in_and_out = seconds(1)
    return {"turns": turns, "ns_per_turn": (seconds(turns) - in_and_out) / (turns - 1) * 1e9}


def _guest_seconds(ring: int, turns: int) -> float:
    with kvm.Machine() as machine:
        machine.start_in_long_mode(kvm.guest("count"), ring, rcx=turns)
        started = time.perf_counter_ns()
        machine.run()
        return (time.perf_counter_ns() - started) / 1e9


def _emulator_seconds(turns: int) -> float:
    """An emulated processor runs the guest's loop, without the end that needs a machine."""
    import unicorn
    from unicorn import x86_const

    entry, loop_bytes = 0x100000, 5
    processor = emulated_processor(unicorn.UC_ARCH_X86, unicorn.UC_MODE_64)
    processor.mem_map(entry, 0x1000)
    processor.mem_write(entry, kvm.guest("count"))
    processor.reg_write(x86_const.UC_X86_REG_RCX, turns)
    started = time.perf_counter_ns()
    processor.emu_start(entry, entry + loop_bytes)
    return (time.perf_counter_ns() - started) / 1e9


# What a guest does: program, ring, how many events, the register that says so, and other registers.
EVENTS: dict[str, tuple[str, int, int, str, dict[str, int]]] = {
    "compute": ("count", 3, 10_000_000, "rcx", {}),
    "touch new memory": ("touch", 3, 400, "rcx", {"rbx": 0x200000}),
    "ask CPUID": ("cpuid", 3, 400, "rsi", {}),
    "halt": ("halt", 0, 400, "rcx", {}),
    "write a port": ("port", 3, 400, "rcx", {}),
    "write to a device's memory": ("mmio", 3, 400, "rcx", {}),
    "ask our monitor": ("hypercall", 3, 400, "rcx", {"rdi": 7}),
}


@experiment(f"{CHAPTER}/exits", needs=[host.kvm], recorded_with={"rounds": 40})
def exits(rounds: int = 7, seed: int = 1, progress: bool = False) -> pd.DataFrame:
    """Let guests do one thing many times, and count exits: in the kernel, and in our monitor.

    Returns:
        Columns round, order, condition (what the guest does), events (how often), exits (counted by
        the kernel; missing where it does not tell), returns (to our monitor), us_per_event (without
        what the first entry and the end take), mhz (of the processor's clock, as /proc/cpuinfo
        tells), accelerator.
    """
    conditions = {name: partial(_events_and_exits, *event) for name, event in EVENTS.items()}
    data = measure_rounds(conditions, rounds=rounds, seed=seed, progress=progress)
    return data.assign(mhz=_clock_mhz(), accelerator=f"KVM ({kvm.backend()})")


def _clock_mhz() -> float:
    match = re.search(r"cpu MHz\s*: ([\d.]+)", Path("/proc/cpuinfo").read_text())
    return float(match[1]) if match else math.nan


def _events_and_exits(
    program: str, ring: int, events: int, counter: str, others: dict[str, int]
) -> dict[str, float]:
    """Count the exits of many events; time them, and take off what a run with one event takes."""
    in_and_out = _count_exits(program, ring, {**others, counter: 1})["us"]
    counted = _count_exits(program, ring, {**others, counter: events})
    us_per_event = (counted.pop("us") - in_and_out) / (events - 1)
    return {"events": events, **counted, "us_per_event": us_per_event}


def _count_exits(program: str, ring: int, registers: dict[str, int]) -> dict[str, float]:
    with kvm.Machine(4 * MIB) as machine:
        machine.start_in_long_mode(kvm.guest(program), ring, **registers)
        before = machine.stats().get("exits", math.nan)
        started = time.perf_counter_ns()
        machine.run(lambda leave: False if leave.reason == "halt" else None)
        took_ns = time.perf_counter_ns() - started
        exits = machine.stats().get("exits", math.nan) - before
        return {"exits": exits, "returns": machine.returns.total(), "us": took_ns / 1e3}


# --- a virtual machine as a process ---------------------------------------------------------------

_BOOT_SECTOR_AT = 0x7C00


@experiment(f"{CHAPTER}/process", needs=[host.qemu], claims=["C009"])
def vm_as_a_process() -> pd.DataFrame:
    """Start virtual machines, and look at each from the host as at any other process.

    Returns:
        One row a thing seen: condition (the machine), what, value (as text).
    """
    rows, failed = [], {}
    places = {
        "QEMU, 1 CPU, 64 MiB": partial(_qemu_as_a_process, 1, 64),
        "QEMU, 2 CPUs, 128 MiB": partial(_qemu_as_a_process, 2, 128),
        "our monitor, 1 CPU, 32 MiB": partial(_own_machine_as_a_process, 32),
    }
    for name, look in places.items():
        try:
            rows += [(name, what, str(value)) for what, value in look().items()]
        except (RuntimeFailed, CannotMeasure, OSError, psutil.Error) as error:
            failed[name] = " ".join(str(error).split())
    data = pd.DataFrame(rows, columns=["condition", "what", "value"])
    data.attrs["failed"] = failed
    return data


def _qemu_as_a_process(cpus: int, mib: int) -> dict[str, object]:
    sector = payload("ready-bios")
    words = ["-nodefaults", "-smp", str(cpus), "-accel", "tcg,thread=multi"]
    words += ["-name", "guest,debug-threads=on"]  # else all its threads have one name
    words += ["-drive", "file={folder}/sector,format=raw,if=floppy,readonly=on"]
    with Console("pc", words, memory_mib=mib, files={"sector": sector}) as machine:
        machine.read_until("READY")
        pid = machine.process.pid
        seen = _seen_from_the_host(pid, mib)
        started = time.perf_counter()
        os.kill(pid, signal.SIGKILL)
        machine.process.wait(10)
        seen["ms from kill to gone"] = f"{1e3 * (time.perf_counter() - started):.1f}"
    return {**seen, "accelerator": ACCELERATOR}


def _own_machine_as_a_process(mib: int) -> dict[str, object]:
    """Our monitor loads the sector itself, for it has no firmware; the guest runs it to its end."""
    # Linux would make one mapping of private memory and its neighbour, and none has the RAM's size.
    memory = mmap.mmap(-1, mib * MIB, mmap.MAP_SHARED | mmap.MAP_ANONYMOUS)
    with memory, kvm.Machine(memory=memory) as machine:
        machine.start_in_real_mode(payload("ready-bios"), offset=_BOOT_SECTOR_AT)
        machine.run()
        if b"READY" not in machine.serial:
            raise CannotMeasure(f"the boot sector wrote {bytes(machine.serial)!r}, not READY")
        seen = _seen_from_the_host(os.getpid(), mib)
    seen["threads that are its CPUs"] = "the one that calls KVM_RUN"
    return {**seen, "accelerator": f"KVM ({kvm.backend()})"}


def _seen_from_the_host(pid: int, mib: int) -> dict[str, object]:
    process = psutil.Process(pid)
    start, size, resident = _ram_of(pid, mib)
    threads = [
        Path(f"/proc/{pid}/task/{thread.id}/comm").read_text().strip()
        for thread in process.threads()
    ]
    found = _has_boot_sector(pid, start)
    open_files = {str(path.readlink()) for path in _descriptors(pid)}
    return {
        "process": f"{process.name()}, a child of {psutil.Process(process.ppid()).name()}",
        "user": process.username(),
        "threads that are its CPUs": ", ".join(sorted(t for t in threads if t.startswith("CPU "))),
        "mapping as large as its RAM": f"{size // MIB} MiB",
        "of that in the host's memory": f"{resident // 1024:,} KiB",
        "boot sector found in there": "yes" if found else "no",
        "descriptors from KVM": ", ".join(sorted(one for one in open_files if "kvm" in one))
        or "none",
    }


def _descriptors(pid: int) -> list[Path]:
    """The links in /proc that name a process's open files, those that are still open."""
    return [path for path in Path(f"/proc/{pid}/fd").iterdir() if path.is_symlink()]


def _ram_of(pid: int, mib: int) -> tuple[int, int, int]:
    """Find the guest's memory among the mappings of a process: start, size, resident bytes.

    Of several mappings of that size it is the one with the guest's boot sector in its place.

    Raises:
        CannotMeasure: no mapping has that size.
    """
    try:
        lines = Path(f"/proc/{pid}/smaps").read_text().splitlines()
    except OSError as error:
        raise CannotMeasure(f"the memory of the machine's process is hidden: {error}") from None
    found: list[tuple[int, int, int]] = []
    start = size = 0
    for line in lines:
        if match := re.match(r"([0-9a-f]+)-([0-9a-f]+) ", line):
            start = int(match[1], 16)
            size = int(match[2], 16) - start
        elif line.startswith("Rss:") and size == mib * MIB:
            found.append((start, size, int(line.split()[1]) * 1024))
    if not found:
        raise CannotMeasure(f"no mapping of {mib} MiB in the machine's process")
    return next((one for one in found if _has_boot_sector(pid, one[0])), found[0])


def _has_boot_sector(pid: int, start: int) -> bool:
    """Whether the boot sector lies where a PC puts it, in a memory that starts there."""
    try:
        return _peek(pid, start + _BOOT_SECTOR_AT) == payload("ready-bios")
    except OSError:  # mapped, but not to be read
        return False


def _peek(pid: int, address: int) -> bytes:
    """Read 512 bytes of another process's memory."""
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        memory.seek(address)
        return memory.read(512)


# --- type 1 ---------------------------------------------------------------------------------------


@experiment(
    f"{CHAPTER}/xen",
    needs=[host.qemu, host.guest_kernel, host.xen_hypervisor],
    claims=["C008"],
)
def xen_boot() -> pd.DataFrame:
    """Boot Xen and a Linux on top of it, on a machine by QEMU; keep the log of the serial port.

    Returns:
        One row a line: condition (who speaks), ms (from power-on), line, accelerator.
    """
    rows = [(speaker, ms, line) for ms, speaker, line in xen.boot_log()]
    data = pd.DataFrame(rows, columns=["condition", "ms", "line"])
    return data.assign(accelerator=ACCELERATOR)


def xen_milestones(log: pd.DataFrame) -> pd.DataFrame:
    """Pick what a reader should not miss out of Xen's boot log.

    Returns:
        Columns second (from power-on), what, says.
    """
    found = xen.milestones(list(zip(log["ms"], log["line"], strict=True)))
    rows = [(round(ms / 1e3, 2), what, words) for ms, what, words in found]
    return pd.DataFrame(rows, columns=["second", "what", "says"])


# --- isolation ------------------------------------------------------------------------------------

PATTERN = 0x5CA1AB1E  # what the scribbling boot sector writes
_SIZE_AT = 500  # where it keeps the size of its memory
_VICTIM_MIB = 96
_PATIENCE_S = 10.0  # a victim that lives answers within it, also on a busy machine


@experiment(f"{CHAPTER}/isolation", claims=["C010"])
def isolation() -> pd.DataFrame:
    """Let one guest write over all its memory, and see what becomes of another guest.

    Under QEMU the attacker is a boot sector, an operating system of its own, and the victim a
    Linux. Under our own monitor both are small 64-bit guests, and the attacker also writes beyond
    its memory. The positive control is the same attack with the memory shared on purpose.

    Returns:
        One row an attack: condition, attacker_mib (of its own memory that holds what it wrote),
        victim_pages_hit (pages of the victim's memory that hold it), stopped (writes beyond its
        memory that came out as exits), victim (what it says afterwards), accelerator.
    """
    rows: list[dict[str, Any]] = []
    failed: dict[str, str] = {}
    for label, attack in (("QEMU", _attack_by_qemu), ("our monitor", _attack_by_kvm)):
        try:
            rows += [{"condition": f"{label}: {name}", **row} for name, row in attack()]
        except RuntimeFailed as error:
            for name in WALLS:
                failed[f"{label}: {name}"] = " ".join(str(error).split())
    if not rows:
        raise CannotMeasure("; ".join(dict.fromkeys(failed.values())))
    data = pd.DataFrame(rows)
    data.attrs["failed"] = failed
    return data


WALLS = ("memory of its own", "the victim's memory, on purpose")


def _attack_by_qemu() -> Iterator[tuple[str, dict[str, Any]]]:
    with _linux_with_ram_in_a_file() as victim:
        victim.read_until(LOGIN)
        victim.ask("yes the quick brown fox | head -c 4000000 > /tmp/d")
        asked = time.perf_counter()
        before = victim.ask("md5sum /tmp/d")
        soon_s = max(1.0, 5 * (time.perf_counter() - asked))  # a dead one never answers
        for name in WALLS:
            with _scribbler(victim if name == WALLS[1] else None) as attacker:
                attacker.read_until("DONE")
                written = _pages_with_pattern(_ram_file(attacker, victim, name))
            try:
                patience_s = _PATIENCE_S if name == WALLS[0] else soon_s
                after = victim.ask("md5sum /tmp/d", timeout_s=patience_s)
                said = "the same checksum" if after == before else "another checksum"
            except RuntimeFailed:
                said = "nothing any more"
            yield (
                name,
                {
                    "attacker_mib": written * 4096 / MIB,
                    "victim_pages_hit": _pages_with_pattern(victim.folder / "ram"),
                    "stopped": 0,
                    "victim": said,
                    "accelerator": ACCELERATOR,
                },
            )


def _ram_file(attacker: Console, victim: Console, wall: str) -> Path:
    return (victim if wall == WALLS[1] else attacker).folder / "ram"


def _ram_words(path: str) -> list[str]:
    """QEMU's words for guest memory that is a file, so that the host can look at it."""
    return [
        "-object",
        f"memory-backend-file,id=ram,size={_VICTIM_MIB}M,mem-path={path},share=on",
    ]


def _linux_with_ram_in_a_file() -> Console:
    words = _ram_words("{folder}/ram")
    machine = f"{MICROVM},memory-backend=ram"
    return console.linux(machine, memory_mib=_VICTIM_MIB, options=words)


def _scribbler(victim: Console | None) -> Console:
    """A machine whose only program writes over all its memory; its own, or a victim's."""
    sector = bytearray(payload("scribble-bios"))
    struct.pack_into("=I", sector, _SIZE_AT, _VICTIM_MIB * MIB)
    path = "{folder}/ram" if victim is None else str(victim.folder / "ram")
    words = ["-nodefaults", *_ram_words(path)]
    words += ["-drive", "file={folder}/sector,format=raw,if=floppy,readonly=on"]
    files = {"sector": bytes(sector)}
    return Console("pc,memory-backend=ram", words, memory_mib=_VICTIM_MIB, files=files)


def _pages_with_pattern(path: Path) -> int:
    """How many pages of a memory hold nothing but the pattern."""
    pages = np.fromfile(path, dtype="<u4").reshape(-1, 1024)
    return int((pages == PATTERN).all(axis=1).sum())


_FROM, _OWN, _REACH = 2 * MIB, 4 * MIB, 6 * MIB


def _attack_by_kvm() -> Iterator[tuple[str, dict[str, Any]]]:
    """The attacker writes a one into each page of the upper half of its memory, and beyond it."""
    for name in WALLS:
        with kvm.Machine(_OWN) as victim:
            victim.start_in_long_mode(kvm.guest("count"), rcx=1000)
            victim.run()  # it lives
            with kvm.Machine(_OWN, victim.memory if name == WALLS[1] else None) as attacker:
                pages = (_REACH - _FROM) // 4096
                attacker.start_in_long_mode(kvm.guest("touch"), rcx=pages, rbx=_FROM)
                attacker.run()
                written = attacker.memory[_FROM:_OWN:4096].count(1)
                stopped = attacker.returns["mmio"]
            hit = victim.memory[_FROM:_OWN:4096].count(1)
        yield (
            name,
            {
                "attacker_mib": written * 4096 / MIB,
                "victim_pages_hit": hit,
                "stopped": stopped,
                "victim": "(asked by looking at its memory)",
                "accelerator": f"KVM ({kvm.backend()})",
            },
        )


# --- each its own hardware ------------------------------------------------------------------------

# Names of what our guests are given, as their identification numbers say.
_DEVICES = {
    "8086:1237": "host bridge (440FX, 1996)",
    "8086:7000": "ISA bridge (PIIX3)",
    "8086:7010": "disk controller (IDE)",
    "8086:7113": "power management (PIIX4)",
    "8086:29c0": "host bridge (Q35, 2007)",
    "8086:2918": "ISA bridge (ICH9)",
    "8086:2922": "disk controller (SATA)",
    "8086:2930": "SMBus (ICH9)",
    "8086:100e": "network card (e1000)",
    "8086:2415": "sound card (AC97)",
}
_LIE = "Toaster Works, Model T-1000"
_GUESTS: dict[str, tuple[str, int, list[str]]] = {
    "the plain one": ("pc", 128, ["-smp", "1"]),
    "the dressed-up one": (
        "q35",
        256,
        [
            *("-smp", "2", "-device", "e1000,romfile=", "-device", "AC97"),
            *("-cpu", "max,-hypervisor,model-id=Toaster CPU"),
            *("-smbios", "type=1,manufacturer=Toaster Works,product=Model T-1000"),
        ],
    ),
}
_GIVEN: dict[str, dict[str, str]] = {
    "the plain one": {
        "processors": "1",
        "memory": "128 MiB",
        "devices": "those of a PC of 1996",
        "hypervisor bit": "set",
        "machine's name": "QEMU's own",
        "processor's name": "QEMU's own",
    },
    "the dressed-up one": {
        "processors": "2",
        "memory": "256 MiB",
        "devices": "those of a PC of 2007, a network and a sound card",
        "hypervisor bit": "cleared",
        "machine's name": _LIE,
        "processor's name": "Toaster CPU",
    },
}
_QUESTIONS = {
    "processors": "grep -c ^processor /proc/cpuinfo",
    "memory": "dmesg | grep -o 'Memory: .*'",
    "devices": "cd /sys/bus/pci/devices; for d in *; do echo $(cat $d/vendor $d/device); done",
    "hypervisor bit": "grep -o -w -m 1 hypervisor /proc/cpuinfo || echo no",
    "machine's name": "cd /sys/class/dmi/id; cat sys_vendor product_name",
    "processor's name": "grep -m 1 'model name' /proc/cpuinfo",
    "kernel": "uname -sr",
    "boot_id": "cat /proc/sys/kernel/random/boot_id",
}


@experiment(
    f"{CHAPTER}/own-hardware", needs=[host.qemu, host.guest_kernel], claims=["C010", "C011"]
)
def own_hardware() -> pd.DataFrame:
    """Boot two guests at once, each with other hardware, and let each say what it sees.

    Returns:
        One row a guest and question: condition, what, given (on QEMU's command line; "–" if not),
        sees, accelerator.
    """
    rows = []
    with ExitStack() as stack:
        guests = {
            name: stack.enter_context(console.linux(machine, memory_mib=mib, options=options))
            for name, (machine, mib, options) in _GUESTS.items()
        }
        for guest in guests.values():
            guest.read_until(LOGIN)
        for name, guest in guests.items():
            for what, command in _QUESTIONS.items():
                sees = _tidy(what, guest.ask(command))
                rows.append((name, what, _GIVEN[name].get(what, "–"), sees))
    data = pd.DataFrame(rows, columns=["condition", "what", "given", "sees"])
    return data.assign(accelerator=ACCELERATOR)


def _tidy(what: str, answer: str) -> str:
    """Turn a guest's answer into words that can be set beside what it was given."""
    lines = answer.splitlines()
    if what == "memory":
        match = re.search(r"/(\d+)K available", answer)
        return f"{math.ceil(int(match[1]) / 1024)} MiB" if match else answer
    if what == "devices":
        numbers = (":".join(word.removeprefix("0x") for word in line.split()) for line in lines)
        return ", ".join(_DEVICES.get(number, number) for number in numbers)
    if what == "hypervisor bit":
        return "set" if answer == "hypervisor" else "cleared"
    if what == "processor's name":
        return answer.partition(":")[2].strip()
    return ", ".join(lines)
