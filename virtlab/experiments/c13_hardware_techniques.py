"""Experiments of chapter 13: trap, translate, ask, or pretend."""

from __future__ import annotations

import math
import re
import struct
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from typing import Any

import pandas as pd

from virtlab import host, leftovers
from virtlab.experiments import emulators
from virtlab.experiments.emulators import FUNCTION, STEPS, N
from virtlab.experiments.running import run_program
from virtlab.machines import arm64
from virtlab.machines.bootsector import boot_sector
from virtlab.machines.toycpu import (
    CLEAN,
    CompiledMachine,
    Isa,
    Machine,
    ParavirtualMachine,
    TranslatedMachine,
    VirtualMachine,
    assemble,
    guests,
)
from virtlab.machines.toycpu.isa import READS_MODE
from virtlab.measure.rounds import measure_rounds
from virtlab.native import COUNT, Native
from virtlab.registry import CannotMeasure, experiment
from virtlab.runtimes import RuntimeFailed, console, kvm
from virtlab.runtimes.console import ACCELERATOR, END_PORT_DEVICE, Console
from virtlab.runtimes.cpu_emulator import emulated_processor
from virtlab.runtimes.launcher import payload

CHAPTER = "13-hardware-techniques"
MIB = 1 << 20


# --- two axes, on the toy CPU -------------------------------------------------------------------

# What a guest prints is a part of it; so are the traps of its own programs.
TOY_GUESTS = {
    "hello": guests.HELLO,
    "primes": guests.COUNT_PRIMES,
    "who am I": guests.WHO_AM_I,
    "mini OS": guests.MINI_OS,
}
_HOST_WORDS, _GUEST_AT, _GUEST_WORDS = 400, 100, 256


def _alone(kind: type[Machine], isa: Isa) -> Machine:
    return kind(_GUEST_WORDS, isa)


def _hosted(kind: type[VirtualMachine], isa: Isa) -> Machine:
    return kind(Machine(_HOST_WORDS, isa), _GUEST_AT, _GUEST_WORDS)


# name → (is the guest modified, how sensitive instructions are caught, how to make the machine)
TECHNIQUES: dict[str, tuple[bool, str, Callable[[Isa], Machine]]] = {
    "bare machine": (False, "they are not", partial(_alone, Machine)),
    "emulation": (False, "by the emulator, as all others", partial(_alone, CompiledMachine)),
    "trap and emulate": (False, "by a trap", partial(_hosted, VirtualMachine)),
    "binary translation": (False, "by reading the code", partial(_hosted, TranslatedMachine)),
    "paravirtualization": (True, "the guest asks", partial(_hosted, ParavirtualMachine)),
}


@experiment(f"{CHAPTER}/two-axes", claims=["C048", "C050"])
def two_axes() -> pd.DataFrame:
    """Run the same guests of the toy CPU by every technique, and count who steps in how often.

    The last rows are on a processor with a flaw: it lets user code read the mode bit.

    Returns:
        One row a guest and technique: condition (the technique), processor, guest, modified (is the
        guest), caught (how sensitive instructions are), says, right (the same as on the bare
        machine without the flaw), instructions, exits, callouts.
    """
    rows = []
    for isa, names in ((CLEAN, TOY_GUESTS), (READS_MODE, ("who am I",))):
        for name in names:
            expected, _ = _run_toy("bare machine", TOY_GUESTS[name], CLEAN)
            for technique in TECHNIQUES:
                source = TOY_GUESTS[name]
                if TECHNIQUES[technique][0]:
                    if name != "hello":  # the only one that somebody rewrote
                        continue
                    source = guests.HELLO_PARAVIRTUAL
                says, counts = _run_toy(technique, source, isa)
                rows.append(
                    {
                        "condition": technique,
                        "processor": isa.name,
                        "guest": name,
                        "modified": TECHNIQUES[technique][0],
                        "caught": TECHNIQUES[technique][1],
                        "says": says,
                        "right": says == expected,
                        **counts,
                    }
                )
    return pd.DataFrame(rows)


def _run_toy(technique: str, source: str, isa: Isa) -> tuple[str, dict[str, int]]:
    """Run a guest to its end; return what it printed and the counts."""
    machine = TECHNIQUES[technique][2](isa)
    machine.put(assemble(source, isa))
    machine.power_on(200_000)
    if not machine.halted:
        raise RuntimeFailed(f"the guest did not end under {technique}")
    says = " ".join(map(str, machine.output))
    if all(word == 10 or 32 <= word < 127 for word in machine.output) and len(machine.output) > 1:
        says = machine.text.strip()
    exits = machine.exits.total() if isinstance(machine, VirtualMachine) else 0
    callouts = machine.callouts.total() if isinstance(machine, TranslatedMachine) else 0
    return says, {"instructions": machine.retired, "exits": exits, "callouts": callouts}


# --- when which technique pays: a model ---------------------------------------------------------

CALLOUT, TRANSLATION = 10, 200  # what one costs, in instructions; chosen, not measured
DEVICES = frozenset({"out", "in", "halt"})
PRICES = (1, 3, 10, 30, 100, 300, 1000, 3000)


@experiment(f"{CHAPTER}/crossover", simulated=True)
def crossover() -> pd.DataFrame:
    """Put a price on the exits and callouts that the toy's small operating system was seen to make.

    A callout is priced as 10 instructions, the translation of a block as 200. With help of the
    hardware only the devices exit: the processor does the rest by itself.

    Returns:
        One row a technique and price: condition, exit_price (in instructions), slowdown (work with
        its exits, as a multiple of the bare machine's instructions).
    """
    bare = _machine_after(partial(_alone, Machine))
    trapped = _machine_after(partial(_hosted, VirtualMachine))
    translated = _machine_after(partial(_hosted, TranslatedMachine))
    assert isinstance(trapped, VirtualMachine)
    assert isinstance(translated, TranslatedMachine)
    devices = sum(count for reason, count in trapped.exits.items() if reason in DEVICES)
    in_software = translated.callouts.total() * CALLOUT + translated.translations * TRANSLATION
    rows = []
    for price in PRICES:
        extra = {
            "trap and emulate": trapped.exits.total() * price,
            "binary translation": in_software + translated.exits.total() * price,
            "hardware-assisted": devices * price,
        }
        rows += [(name, price, 1 + more / bare.retired) for name, more in extra.items()]
    return pd.DataFrame(rows, columns=["condition", "exit_price", "slowdown"])


def _machine_after(make: Callable[[Isa], Machine]) -> Machine:
    machine = make(CLEAN)
    machine.put(assemble(guests.MINI_OS))
    machine.power_on(200_000)
    return machine


# --- the same guest, whoever executes it --------------------------------------------------------


@experiment(f"{CHAPTER}/same-guest", claims=["C048"])
def same_guest() -> pd.DataFrame:
    """Run the same bytes, a 16-bit guest that prints primes, wherever they can run.

    Returns:
        One row a place: condition, accelerator (who executes the instructions), says, sha256 (of
        the guest's bytes), devices (accesses to ports that somebody had to play; missing where
        nobody counts them).
    """
    from hashlib import sha256

    code = kvm.guest("primes")
    ways: dict[str, tuple[Callable[[bytes], tuple[str, float]], str]] = {
        "our monitor": (_primes_by_kvm, "KVM"),
        "QEMU's PC": (_primes_by_qemu, ACCELERATOR),
        "a processor without a machine": (_primes_by_unicorn, "TCG (Unicorn)"),
    }
    rows, failed = [], {}
    for name, (way, accelerator) in ways.items():
        try:
            says, devices = way(code)
        except RuntimeFailed as error:
            failed[name] = " ".join(str(error).split())
            continue
        accelerator = f"KVM ({kvm.backend()})" if accelerator == "KVM" else accelerator
        rows.append((name, accelerator, says.strip(), sha256(code).hexdigest()[:12], devices))
    if not rows:
        raise CannotMeasure("; ".join(dict.fromkeys(failed.values())))
    names = ["condition", "accelerator", "says", "sha256", "devices"]
    data = pd.DataFrame(rows, columns=names)
    data.attrs["failed"] = failed
    return data


def _primes_by_kvm(code: bytes) -> tuple[str, float]:
    with kvm.Machine() as machine:
        machine.start_in_real_mode(code)
        machine.run()
        return machine.serial.decode("ascii", "replace"), machine.returns["port"]


def _primes_by_qemu(code: bytes) -> tuple[str, float]:
    # A PC with a screen: else its BIOS writes on the serial port too, in the midst of the guest.
    with console.boot_sector(boot_sector(code), "pc") as machine:
        return machine.read_to_the_end(timeout_s=20), math.nan


def _primes_by_unicorn(code: bytes) -> tuple[str, float]:
    try:
        import unicorn
        from unicorn import x86_const
    except ImportError:
        raise RuntimeFailed("no Python package unicorn here; pip install unicorn") from None
    processor = emulated_processor(unicorn.UC_ARCH_X86, unicorn.UC_MODE_16)
    entry, written, accesses = 0x1000, bytearray(), Counter[str]()
    processor.mem_map(0, 0x10000)
    processor.mem_write(entry, code)
    processor.reg_write(x86_const.UC_X86_REG_SP, 0xFFF0)

    def out(engine: Any, port: int, size: int, value: int, _: object) -> None:
        accesses["port"] += 1
        if port == kvm.SERIAL_PORT:
            written.append(value & 0xFF)
        elif port == kvm.END_PORT:
            engine.emu_stop()

    processor.hook_add(unicorn.UC_HOOK_INSN, out, None, 1, 0, x86_const.UC_X86_INS_OUT)
    processor.emu_start(entry, entry + len(code), timeout=10_000_000)
    return written.decode("ascii", "replace"), accesses["port"]


# --- privileged instructions, one by one --------------------------------------------------------

# Machine code, and what has to be in rcx.
PRIVILEGED: dict[str, tuple[bytes, int]] = {
    "where is the page table? (mov cr3)": (bytes.fromhex("0f20d8"), 0),
    "read a system register (rdmsr)": (bytes.fromhex("0f32"), 0xC0000080),
    "load the interrupt table (lidt)": (bytes.fromhex("0f011c2500001800"), 0),
    "stop until an interrupt (hlt)": (bytes.fromhex("f4"), 0),
    "write a port (out)": (bytes.fromhex("e680"), 0),
}
_COUNT_DOWN = bytes.fromhex("48ffce")  # dec rsi
_END = bytes.fromhex("66baf400eeebf9")  # mov dx, 0xf4; again: out dx, al; jmp again
_TIMES = 200


def _repeated(instruction: bytes) -> bytes:
    """A guest that executes an instruction as often as rsi says, and ends."""
    body = instruction + _COUNT_DOWN
    jump = 256 - (len(body) + 2)
    return body + bytes([0x75, jump]) + _END


@experiment(f"{CHAPTER}/privileged", needs=[host.kvm], claims=["C049"])
def privileged() -> pd.DataFrame:
    """Execute privileged instructions in a process, in a guest's ring 3 and in its ring 0.

    The guest's ring 3 has been given the privilege to use ports, and no other.

    Returns:
        One row an instruction and place: condition (the instruction), place, times, outcome ("done"
        or what happened instead); for each time exits and emulated (instructions that KVM carried
        out in software; both counted by the kernel, missing where it does not tell), and returns
        (to our monitor); accelerator (of a guest).
    """
    rows: list[dict[str, Any]] = []
    backend = f"KVM ({kvm.backend()})"
    for name, (instruction, rcx) in PRIVILEGED.items():
        rows.append({"condition": name, "place": "a process", **_in_a_process(instruction)})
        for ring in (3, 0):
            found = _in_a_guest(instruction, rcx, ring)
            place = f"a guest's ring {ring}"
            rows.append({"condition": name, "place": place, **found, "accelerator": backend})
    return pd.DataFrame(rows)


def _in_a_process(instruction: bytes) -> dict[str, Any]:
    try:
        emulators.by_jumping(instruction + b"\xc3", 0)  # and return
    except RuntimeFailed as error:
        return {"times": 1, "outcome": str(error)}
    return {"times": 1, "outcome": "done"}


def _in_a_guest(instruction: bytes, rcx: int, ring: int) -> dict[str, Any]:
    with kvm.Machine() as machine:
        machine.start_in_long_mode(_repeated(instruction), ring, rcx=rcx, rsi=_TIMES)
        before = machine.stats()
        try:
            machine.run(lambda leave: False if leave.reason == "halt" else None, limit_s=5)
        except kvm.GuestFailed as error:
            return {"times": 1, "outcome": _shortened(str(error))}
        after = machine.stats()

        def each(counter: str) -> float:
            return (after.get(counter, math.nan) - before.get(counter, math.nan)) / _TIMES

        return {
            "times": _TIMES,
            "outcome": "done",
            "exits": each("exits"),
            "emulated": each("insn_emulation"),
            "returns": (machine.returns.total() - 1) / _TIMES,  # but for the guest's end
        }


def _shortened(error: str) -> str:
    match = re.search(r"ended with (.+) at", error)
    return f"refused: the guest crashed ({match[1]})" if match else error


# --- results per millisecond ---------------------------------------------------------------------

# Who computes: how often in one measurement, and what executes the instructions.
COMPUTE: dict[str, tuple[int, str]] = {
    "native": (300_000, "the CPU itself"),
    "guest, ring 3": (300_000, "the CPU itself"),
    "guest, ring 0": (300_000, "the CPU itself"),
    "translated (QEMU)": (100_000, "translated to machine code"),
    "translated (Unicorn)": (10_000, "translated to machine code"),
    "interpreted (ours)": (10, "interpreted by Python"),
}
_SLOW_RING_0 = 100
_ENTRY, _STACK, _STUB = 0x100000, 0x190000, 0x191000


@experiment(
    f"{CHAPTER}/results",
    needs=[host.kvm],
    claims=["C046", "C047"],
    recorded_with={"rounds": 40},
)
def results(rounds: int = 8, seed: int = 1, progress: bool = False) -> pd.DataFrame:
    """Compute the same number natively, in a guest, translated and interpreted.

    A result is the number of steps that 27 takes to 1. The clock runs around the computing only.

    Returns:
        Columns round, order, condition, results_per_ms, how (what executes the instructions),
        accelerator.
    """
    software = "software" in kvm.backend()
    code = emulators.program("x86-64")
    interpreter = arm64.Interpreter(emulators.program("Arm"))
    with ExitStack() as files:
        path = files.enter_context(emulators.program_file("x86-64"))
        unicorns: list[emulators.UnicornProcessor] = []

        def unicorn(times: int) -> emulators.Run:
            if not unicorns:
                unicorns.append(emulators.UnicornProcessor("x86-64"))
            return unicorns[0].repeat(times)

        ways: dict[str, Callable[[int], emulators.Run]] = {
            "native": partial(emulators.by_process, path),
            "guest, ring 3": partial(_function_in_a_guest, code, 3),
            "guest, ring 0": partial(_function_in_a_guest, code, 0),
            "translated (QEMU)": partial(emulators.by_process, path, emulator="qemu-x86_64"),
            "translated (Unicorn)": unicorn,
            "interpreted (ours)": partial(emulators.by_our_own, interpreter),
        }
        times = {name: count for name, (count, _) in COMPUTE.items()}
        times["guest, ring 0"] = _SLOW_RING_0 if software else times["guest, ring 0"]
        data = measure_rounds(
            {name: partial(_rate, way, times[name]) for name, way in ways.items()},
            rounds=rounds,
            seed=seed,
            progress=progress,
        )
    how = {name: words for name, (_, words) in COMPUTE.items()}
    if software:
        how["guest, ring 0"] = "interpreted by the kernel"
    behind = {"translated (QEMU)": "TCG", "translated (Unicorn)": "TCG (Unicorn)"}
    for name in ("guest, ring 3", "guest, ring 0"):
        behind[name] = f"KVM ({kvm.backend()})"
    names = data["condition"]
    return data.assign(how=names.map(how), accelerator=names.map(lambda one: behind.get(one, "")))


def _rate(way: Callable[[int], emulators.Run], times: int) -> dict[str, float]:
    """Run once; a wrong sum is a failure, not a measurement."""
    run = way(times)
    if run.total != STEPS * times:
        raise RuntimeFailed(f"the sum is {run.total}; it should be {STEPS * times}")
    return {"results_per_ms": times / run.seconds / 1000}


def _function_in_a_guest(code: bytes, ring: int, times: int) -> emulators.Run:
    """Call the program's function in a guest: it returns to the stub that ends the guest."""
    with kvm.Machine() as machine:
        machine.start_in_long_mode(code, ring, rip=_ENTRY + FUNCTION, rsp=_STACK, rdi=N, rsi=times)
        struct.pack_into("<Q", machine.memory, _STACK, _STUB)
        machine.memory[_STUB : _STUB + len(_END)] = _END
        started = time.perf_counter_ns()
        machine.run()
        seconds = (time.perf_counter_ns() - started) / 1e9
        return emulators.Run(machine.registers["rax"], seconds)


# --- the price of being caught ------------------------------------------------------------------

GETPPID = bytes.fromhex("4989f8b86e0000000f0549ffc875f4c3")  # as often as the argument says
PRICED: dict[str, tuple[str, int]] = {
    "system call": ("native", 20_000),
    "exit to the kernel": ("touch", 400),
    "exit to our monitor": ("port", 400),
    "callout": ("port", 2_000),
}


@experiment(
    f"{CHAPTER}/price",
    needs=[host.kvm],
    claims=["C047", "C049"],
    recorded_with={"rounds": 60},
)
def price(rounds: int = 15, seed: int = 1, progress: bool = False) -> pd.DataFrame:
    """Price what leaves direct execution, in turns of a loop that the same machine could have run.

    Each condition is set beside computing on its own substrate, never beside another's. The kernel
    steps in when a guest touches new memory, our monitor when it writes a port, as the translator's
    callout does on Unicorn.

    Returns:
        Columns round, order, condition, ns_per_event, ns_per_turn, turns (of the loop in the time
        of one event), accelerator.
    """
    loop, calls = Native(COUNT), Native(GETPPID)
    turns = 2_000_000
    ways: dict[str, tuple[Callable[[int], float], Callable[[int], float]]] = {
        "system call": (calls.seconds, loop.seconds),
        "exit to the kernel": (partial(_guest_s, "touch"), partial(_guest_s, "count")),
        "exit to our monitor": (partial(_guest_s, "port"), partial(_guest_s, "count")),
        "callout": (partial(_unicorn_s, "port"), partial(_unicorn_s, "count")),
    }
    conditions = {
        name: partial(_priced, event, PRICED[name][1], turn, turns)
        for name, (event, turn) in ways.items()
    }
    data = measure_rounds(conditions, rounds=rounds, seed=seed, progress=progress)
    behind = {"callout": "TCG (Unicorn)", "system call": ""}
    backend = f"KVM ({kvm.backend()})"
    return data.assign(accelerator=data["condition"].map(lambda one: behind.get(one, backend)))


def _priced(
    event: Callable[[int], float], events: int, turn: Callable[[int], float], turns: int
) -> dict[str, float]:
    ns_per_event, ns_per_turn = event(events) / events * 1e9, turn(turns) / turns * 1e9
    return {
        "ns_per_event": ns_per_event,
        "ns_per_turn": ns_per_turn,
        "turns": ns_per_event / ns_per_turn,
    }


def _guest_s(program: str, times: int) -> float:
    registers = {"rcx": times, **({"rbx": 2 * MIB} if program == "touch" else {})}
    with kvm.Machine(4 * MIB) as machine:
        machine.start_in_long_mode(kvm.guest(program), 3, **registers)
        started = time.perf_counter_ns()
        machine.run()
        return (time.perf_counter_ns() - started) / 1e9


def _unicorn_s(program: str, times: int) -> float:
    try:
        import unicorn
        from unicorn import x86_const
    except ImportError:
        raise RuntimeFailed("no Python package unicorn here; pip install unicorn") from None
    processor = emulated_processor(unicorn.UC_ARCH_X86, unicorn.UC_MODE_64)
    processor.mem_map(_ENTRY, 0x1000)
    processor.mem_write(_ENTRY, kvm.guest(program))
    processor.reg_write(x86_const.UC_X86_REG_RCX, times)

    def out(engine: Any, port: int, size: int, value: int, _: object) -> None:
        if port == kvm.END_PORT:
            engine.emu_stop()

    processor.hook_add(unicorn.UC_HOOK_INSN, out, None, 1, 0, x86_const.UC_X86_INS_OUT)
    started = time.perf_counter_ns()
    processor.emu_start(_ENTRY, _ENTRY + 0x1000)
    return (time.perf_counter_ns() - started) / 1e9


# --- asking and batching, two by two ------------------------------------------------------------

TEXT = (b"All problems in computer science can be solved by another level of indirection. " * 26)[
    :2048
]
BATCH = 16
HYPERCALL_PORT = 0xE0
WAYS: dict[str, tuple[str, int]] = {
    "device, one by one": ("uart", 1),
    "device, in batches": ("uart", BATCH),
    "asks, one by one": ("ask", 1),
    "asks, in batches": ("ask", BATCH),
    "asks, in large batches": ("ask", 512),
}


@experiment(
    f"{CHAPTER}/two-by-two",
    needs=[host.kvm],
    claims=["C050", "C051"],
    recorded_with={"rounds": 40},
)
def two_by_two(rounds: int = 3, seed: int = 1, progress: bool = False) -> pd.DataFrame:
    """Let guests write the same text: through a serial port or by asking, one by one or in batches.

    Returns:
        Columns round, order, condition, modified (whether the guest knows its monitor), batch
        (bytes), returns (to our monitor), exits (counted by the kernel; missing where it does not
        tell), exits_per_byte (returns, over the bytes), us_per_byte, guest_bytes (of its code),
        accelerator.
    """
    conditions = {name: partial(_write_text, *way) for name, way in WAYS.items()}
    data = measure_rounds(conditions, rounds=rounds, seed=seed, progress=progress)
    return data.assign(
        modified=data["condition"].str.startswith("asks"),
        batch=data["condition"].map({name: batch for name, (_, batch) in WAYS.items()}),
        accelerator=f"KVM ({kvm.backend()})",
    )


def _write_text(program: str, batch: int) -> dict[str, float]:
    address = 0x180000
    with kvm.Machine() as machine:
        code = kvm.guest(program)
        machine.start_in_long_mode(code, 3, rbx=address, rcx=len(TEXT), rdi=batch)
        machine.memory[address : address + len(TEXT)] = TEXT
        before = machine.stats().get("exits", math.nan)
        started = time.perf_counter_ns()
        machine.run(partial(_serve, machine))
        took_ns = time.perf_counter_ns() - started
        exits = machine.stats().get("exits", math.nan) - before
        if machine.serial != TEXT:
            raise RuntimeFailed(f"the text arrived wrong: {len(machine.serial)} bytes")
        returns = machine.returns.total() - 1  # but for the guest's end
    return {
        "returns": returns,
        "exits": exits,
        "exits_per_byte": returns / len(TEXT),
        "us_per_byte": took_ns / 1e3 / len(TEXT),
        "guest_bytes": len(code),
    }


def _serve(machine: kvm.Machine, leave: kvm.Exit) -> bytes | None:
    """Play the line status of a serial port that is always ready, and answer hypercalls."""
    if leave.reason == "port" and leave.address == kvm.SERIAL_PORT + 5:
        return b"\x60"
    if leave.reason == "port" and leave.address == HYPERCALL_PORT:
        registers = machine.registers
        start, count = registers["rbx"], registers["rsi"]
        if start + count > len(machine.memory):  # believe no address that a guest hands over
            raise kvm.GuestFailed(f"kvm: the guest asked for {count} bytes at {start:#x}")
        machine.serial += machine.memory[start : start + count]
    return None


# --- how a disk is asked: trace events of QEMU --------------------------------------------------

REQUESTS = 40
SECTORS = {"1 sector": 1, "8 sectors": 8}
# QEMU's words for each disk, how its registers are named in the trace, and what it pretends to be.
DISKS: dict[str, tuple[list[str], str, str]] = {
    "IDE": (
        ["-device", "ide-hd,drive=disk"],
        r"ide|piix-bmdma|bmdma",
        "a disk controller of 1994",
    ),
    "AHCI": (
        ["-device", "ich9-ahci,id=ahci", "-device", "ide-hd,drive=disk,bus=ahci.0"],
        r"ahci",
        "a disk controller of 2004",
    ),
    "NVMe": (["-device", "nvme,drive=disk,serial=1"], r"nvme", "a disk of 2011"),
    "virtio": (["-device", "virtio-blk-pci,drive=disk"], r"virtio", "nothing: it was never built"),
}
_EVENT = re.compile(r"memory_region_ops_(read|write) .* name '([^']*)'")
_MARK = re.compile(r"memory_region_ops_write .* addr 0x80 value 0xa5 ")
_COUNT_AT = 500


@experiment(f"{CHAPTER}/disk-requests", needs=[host.qemu], claims=["C051"])
def disk_requests() -> pd.DataFrame:
    """Read from four kinds of disk, and count QEMU's trace events for each request.

    The guest marks in the trace where its requests begin and where they end. An event is one access
    to a register of the disk's controller, which under hardware help would be an exit; under TCG
    nothing exits. Accesses to other devices are counted apart.

    Returns:
        One row a disk and size: condition, pretends, size, requests, registers (accesses for each
        request), kicks (of them, notifications of a virtio queue), elsewhere (accesses to other
        devices, clocks above all), accelerator.
    """
    rows, failed = [], {}
    for name, (_, _, pretends) in DISKS.items():
        try:
            for size, sectors in SECTORS.items():
                row = {"condition": name, "pretends": pretends, "size": size}
                rows.append(row | _events_per_request(name, sectors))
        except RuntimeFailed as error:
            rows = [row for row in rows if row["condition"] != name]
            failed[name] = " ".join(str(error).split())
    if not rows:
        raise CannotMeasure("; ".join(dict.fromkeys(failed.values())))
    data = pd.DataFrame(rows).assign(accelerator=ACCELERATOR)
    data.attrs["failed"] = failed
    return data


def _events_per_request(disk: str, sectors: int) -> dict[str, float]:
    """Boot a machine that makes requests; count the trace events among them."""
    sector = bytearray(payload("disk-bios"))
    struct.pack_into("<HH", sector, _COUNT_AT, REQUESTS, sectors)
    words = ["-nodefaults", *END_PORT_DEVICE, "-boot", "a"]
    words += ["-drive", "file={folder}/sector,format=raw,if=floppy,readonly=on"]
    words += ["-drive", "file={folder}/disk,format=raw,if=none,id=disk", *DISKS[disk][0]]
    words += ["-D", "{folder}/trace", "-trace", "memory_region_ops_*"]
    words += ["-trace", "virtio_queue_notify"]
    files = {"sector": bytes(sector), "disk": bytes(MIB)}
    with Console("pc", words, files=files) as machine:
        said = machine.read_to_the_end(timeout_s=20)
        if "DONE" not in said:
            raise RuntimeFailed(f"QEMU: the disk {disk} was not read")
        trace = (machine.folder / "trace").read_text(errors="replace")
    counts = _counted(trace.splitlines(), DISKS[disk][1])
    each = {kind: counts[kind] / REQUESTS for kind in ("registers", "kicks", "elsewhere")}
    return {"requests": REQUESTS, **each}


def _counted(lines: list[str], registers: str) -> Counter[str]:
    """Count what was accessed between the two marks of a trace.

    Raises:
        RuntimeFailed: there are not two marks.
    """
    marks = [number for number, line in enumerate(lines) if _MARK.search(line)]
    if len(marks) != 2:
        raise RuntimeFailed("QEMU: this version writes another trace than the course can read")
    counts: Counter[str] = Counter()
    for line in lines[marks[0] + 1 : marks[1]]:
        if event := _EVENT.search(line):
            counts["registers" if re.search(registers, event[2]) else "elsewhere"] += 1
        elif "virtio_queue_notify" in line:
            counts["kicks"] += 1
    return counts


# --- one thing at a time ------------------------------------------------------------------------


@experiment(f"{CHAPTER}/partial", claims=["C052"])
def partial_virtualization() -> pd.DataFrame:
    """Give three programs one virtual thing each: memory, a disk, a network card.

    Returns:
        One row a thing: condition, sees, behind, works, same_as_host (of its surroundings: the
        kernel and the seven kinds of namespace), of, other (what is not the host's).
    """
    with leftovers.own_folder() as folder:
        told: Mapping[str, Any] = run_program("partial.py", folder)
    data = pd.DataFrame(told["rows"])
    data.attrs["failed"] = dict(told["failed"])
    return data


def sources() -> Iterator[tuple[str, str]]:
    """The two ways of the toy guest `hello` to write, as assembly: unmodified, modified."""
    yield "unmodified", guests.HELLO
    yield "modified", guests.HELLO_PARAVIRTUAL
