"""Experiments of chapter 11: which interface a machine offers, and what crossing it costs."""

from __future__ import annotations

import ctypes
import json
import math
import mmap
import os
import struct
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from virtlab import host
from virtlab.experiments.running import run_program
from virtlab.machines import toycpu
from virtlab.machines.toycpu import guests, isa
from virtlab.machines.toycpu.vmm import HostLostError
from virtlab.measure.rounds import measure_rounds
from virtlab.models import pentium
from virtlab.native import Native
from virtlab.registry import CannotMeasure, experiment
from virtlab.runtimes import RuntimeFailed, kvm
from virtlab.runtimes.linux_guest import QemuLinux
from virtlab.syscall_filters import SYSTEM_CALLS

CHAPTER = "11-machine-reference-model"
MIB = 1 << 20


# --- what one crossing costs ----------------------------------------------------------------------

# What is crossed, by the name of what crosses it.
INTERFACES = {
    "an addition": "ISA",
    "a call within one file": "ISA",
    "a library call (strlen)": "API",
    "a call of [vdso] (clock)": "ABI",
    "a system call (getpid)": "ABI",
    "a page fault": "ISA",
    "a guest's exit, kernel answers": "the guest's ISA",
    "a guest's exit, process answers": "the guest's ISA",
    "os.getpid() from Python": "API",
}
_COARSE_CLOCK = 6
_ADDITIONS = 20
_TEXT = ctypes.create_string_buffer(b"hello")
_TIME = ctypes.create_string_buffer(16)


@experiment(f"{CHAPTER}/crossings", claims=["C041"], recorded_with={"rounds": 40})
def crossings(rounds: int = 15, seed: int = 1, progress: bool = False) -> pd.DataFrame:
    """Time what crosses each interface, in loops of machine code.

    The loop's own two instructions are in the time. The monitor of the guests is such a loop, too:
    it enters the guest again and again. The last condition is the only one with Python in it.

    Returns:
        Columns round, order, condition, interface, events, ns_per_event, accelerator (of a guest).
    """
    conditions: dict[str, Callable[[], dict[str, float]]] = {
        "an addition": partial(_timed, _addition, 50_000, _ADDITIONS),
        "a call within one file": partial(_timed, _near_call, 500_000),
        "a library call (strlen)": partial(_timed, _library_call, 200_000),
        "a call of [vdso] (clock)": partial(_timed, _clock_call, 100_000),
        "a system call (getpid)": partial(_timed, _system_call, 10_000),
        "a page fault": _page_faults,
        "a guest's exit, kernel answers": _exits_to_the_kernel,
        "a guest's exit, process answers": _exits_to_a_process,
        "os.getpid() from Python": _python_calls,
    }
    data = measure_rounds(conditions, rounds=rounds, seed=seed, progress=progress)
    data["interface"] = data["condition"].map(INTERFACES)
    guest = data["condition"].str.startswith("a guest")
    data["accelerator"] = guest.map({True: f"KVM ({kvm.backend()})", False: ""})
    return data


def loop(body: bytes, before: bytes = b"", after: bytes = b"") -> bytes:
    """Return x86-64 code of a function that does a body as often as its argument says.

    Args:
        body: what a turn does; it must keep rbx, and leave the stack as it was.
        before: what is done once, before the first turn.
        after: what lies behind the function's end, for the body to call.
    """
    back = struct.pack("<i", -(len(body) + 3 + 6))
    head = bytes.fromhex("534889fb")  # push rbx; mov rbx, rdi
    turn = body + bytes.fromhex("48ffcb0f85") + back  # dec rbx; jnz to the body
    return head + before + turn + bytes.fromhex("5bc3") + after  # pop rbx; ret


def _address(name: str) -> bytes:
    found = ctypes.cast(getattr(ctypes.CDLL(None), name), ctypes.c_void_p).value
    return struct.pack("<Q", found)


def _addition() -> bytes:
    return loop(bytes.fromhex("4883c001") * _ADDITIONS)  # add rax, 1: each waits for the last


def _near_call() -> bytes:
    to_the_end = struct.pack("<i", 3 + 6 + 2)
    return loop(b"\xe8" + to_the_end, after=b"\xc3")


def _library_call() -> bytes:
    text = struct.pack("<Q", ctypes.addressof(_TEXT))
    return loop(b"\x48\xbf" + text + b"\x48\xb8" + _address("strlen") + b"\xff\xd0")


def _clock_call() -> bytes:
    clock = b"\xbf" + struct.pack("<I", _COARSE_CLOCK)
    place = b"\x48\xbe" + struct.pack("<Q", ctypes.addressof(_TIME))
    return loop(clock + place + b"\x48\xb8" + _address("clock_gettime") + b"\xff\xd0")


def _system_call() -> bytes:
    return loop(bytes.fromhex("b8270000000f05"))  # mov eax, 39; syscall


def _timed(make: Callable[[], bytes], turns: int, times: int = 1) -> dict[str, float]:
    code = Native(make())
    code.seconds(1)
    return _per_event(code.seconds(turns), turns * times)


def _per_event(seconds: float, events: int) -> dict[str, float]:
    return {"events": events, "ns_per_event": 1e9 * seconds / events}


def _page_faults(pages: int = 1000) -> dict[str, float]:
    """Write to memory that the kernel has promised, but not yet given."""
    with mmap.mmap(-1, pages * mmap.PAGESIZE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
        with suppress(OSError):  # a kernel without large pages
            memory.madvise(mmap.MADV_NOHUGEPAGE)
        view = ctypes.c_char.from_buffer(memory)
        start = b"\x48\xbe" + struct.pack("<Q", ctypes.addressof(view))
        del view
        touch = bytes.fromhex("c606014881c600100000")  # mov byte [rsi], 1; add rsi, 4096
        return _per_event(Native(loop(touch, before=start)).seconds(pages), pages)


def _monitor(machine: kvm.Machine) -> Native:
    """A monitor in machine code: it enters the guest as often as it is told, and nothing else."""
    enter = b"\xb8\x10\0\0\0" + b"\xbf" + struct.pack("<i", machine.descriptor)  # ioctl, of what
    enter += b"\xbe" + struct.pack("<I", kvm.RUN) + b"\x31\xd2\x0f\x05"  # to do what; syscall
    return Native(loop(enter))


def _exits_to_a_process(exits: int = 400) -> dict[str, float]:
    """A guest writes to a port all the time; each write returns to the monitor."""
    plenty = 10**9
    with kvm.Machine() as machine:
        machine.start_in_long_mode(kvm.guest("port"), 3, rcx=plenty)
        monitor = _monitor(machine)
        monitor.seconds(1)
        before = machine.registers["rcx"]
        seconds = monitor.seconds(exits)
        written = before - machine.registers["rcx"]
        if abs(written - exits) > exits // 10:
            raise RuntimeFailed(f"kvm: {exits} entries made {written} writes to the port")
        return _per_event(seconds, exits)


def _exits_to_the_kernel(pages: int = 400) -> dict[str, float]:
    """A guest writes to memory that it was promised; the kernel finds a page, and goes back in."""
    start = 2 * MIB
    with kvm.Machine(4 * MIB) as machine:
        with suppress(OSError):
            machine.memory.madvise(mmap.MADV_NOHUGEPAGE)
        machine.start_in_long_mode(kvm.guest("touch"), 3, rcx=pages, rbx=start)
        seconds = _monitor(machine).seconds(1)
        if machine.registers["rcx"] != 0:
            raise RuntimeFailed("kvm: the guest did not come to the end of its memory")
        return _per_event(seconds, pages)


def _python_calls(calls: int = 5000) -> dict[str, float]:
    call = os.getpid
    started = time.perf_counter()
    for _ in range(calls):
        call()
    return _per_event(time.perf_counter() - started, calls)


# --- every instruction of a program ---------------------------------------------------------------

WATCHED = "/bin/date"
# What an instruction does, and where the processor goes on → the name of the row, its interface.
KINDS = {
    ("other", "same file"): ("any other instruction", "ISA"),
    ("other", "other file"): ("returns, and jumps, to another file", "ISA"),
    ("call", "same file"): ("calls within one file", "ISA"),
    ("call", "other file"): ("calls of another file", "API"),
    ("call", "[vdso]"): ("calls of [vdso]", "ABI"),
    ("syscall", "other file"): ("system calls", "ABI"),
}


@experiment(f"{CHAPTER}/watch", recorded_with={"limit": 1_000_000})
def watch(limit: int = 1_000_000) -> pd.DataFrame:
    """Follow a program instruction by instruction, and count which interface each one crosses.

    Returns:
        One row a kind of event: condition, interface, events, share (of all), and an example:
        instruction, from, to.
    """
    seen = run_program("tracer.py", "steps", limit, WATCHED)
    counts = Counter({(what, away): number for what, away, number in seen["counts"]})
    to_vdso = sum(target == "[vdso]" for what, _, target in seen["crossings"] if what == "call")
    counts["call", "[vdso]"] += to_vdso
    counts["call", "other file"] -= to_vdso
    name = Path(WATCHED).name
    examples = {
        ("other", "same file"): ("add", name, name),
        ("other", "other file"): ("ret", "libc.so.6", name),
        ("call", "same file"): ("call", name, name),
    }
    for what, origin, target in seen["crossings"]:
        key = (what, "[vdso]" if target == "[vdso]" else "other file")
        if key not in examples or origin == name:
            examples[key] = (what, origin, target)
    whole = counts.total()
    rows = [
        (words, interface, counts[key], counts[key] / whole, *examples.get(key, ("–", "–", "–")))
        for key, (words, interface) in KINDS.items()
    ]
    columns = ["condition", "interface", "events", "share", "instruction", "from", "to"]
    return pd.DataFrame(rows, columns=columns)


# --- the system calls behind a library call -------------------------------------------------------


@experiment(f"{CHAPTER}/behind", recorded_with={"times": 200})
def behind(times: int = 100) -> pd.DataFrame:
    """Call functions of the C library many times, and count the system calls behind each call.

    Returns:
        One row a function: condition, calls, none, one, many (calls with so many system calls
        behind them), system_calls (in all), names (of those behind the dearest call).
    """
    rows = []
    for name, made in run_program("tracer.py", "calls", times)["functions"]:
        numbers = [min(len(one), 2) for one in made]
        dearest: Counter[int] = Counter(max(made, key=len))
        names = ", ".join(
            SYSTEM_CALLS.get(number, str(number)) + (f" × {count}" if count > 1 else "")
            for number, count in dearest.items()
        )
        counts = [numbers.count(number) for number in range(3)]
        rows.append((name, len(made), *counts, sum(map(len, made)), names or "–"))
    columns = ["condition", "calls", "none", "one", "many", "system_calls", "names"]
    return pd.DataFrame(rows, columns=columns)


# --- Popek and Goldberg ---------------------------------------------------------------------------

TOY_SETS = (
    toycpu.CLEAN,
    isa.READS_MODE,
    isa.IGNORES_TIMER,
    isa.READS_BASE,
    isa.DROPS_MODE,
)

_FALLS_INTO_USER_MODE = """
; Enters user mode and halts there. A bare machine traps; then the handler prints 7.
        li   r1, handler
        st   r1, r0, 6
        jmpu user
user:   halt
handler: li  r2, 7
        out  r2
        halt
"""
GUESTS = {
    "computes": guests.COUNT_PRIMES,
    "asks who it is": guests.WHO_AM_I,
    "a small operating system": guests.MINI_OS,
    "falls into user mode": _FALLS_INTO_USER_MODE,
}


def theorem() -> pd.DataFrame:
    """Classify the instructions of each instruction set, and ask the theorem.

    The toy's are classified by executing them; the classic x86's are taken from a table.

    Returns:
        One row an instruction set: instruction set, instructions, sensitive, privileged, offenders
        (names), theorem (whether a trap-and-emulate monitor is promised), by (how it is known).
    """
    rows = []
    for one in TOY_SETS:
        classes = toycpu.classify(one)
        found = toycpu.offenders(classes)
        sensitive = sum(c.sensitive for c in classes.values())
        privileged = sum(c.privileged for c in classes.values())
        rows.append((f"toy, {one.name}", len(classes), sensitive, privileged, found, "executed"))
    table = pentium.PENTIUM
    counts = (sum(bool(one.why) for one in table), sum(one.privileged for one in table))
    rows.append(("classic x86", len(table), *counts, list(pentium.OFFENDERS), pentium.SOURCE))
    columns = ["instruction set", "instructions", "sensitive", "privileged", "offenders", "by"]
    data = pd.DataFrame(rows, columns=columns)
    data.insert(5, "theorem", data["offenders"].map(lambda names: not names))
    data["offenders"] = data["offenders"].map(", ".join).replace("", "–")
    return data


def bare_and_virtual(instructions: toycpu.Isa, program: str) -> tuple[str, str]:
    """Run a guest on the bare toy machine and on a virtual one; return what each printed."""
    words = toycpu.assemble(program, instructions)
    bare = toycpu.Machine(128, instructions)
    virtual = toycpu.VirtualMachine(toycpu.Machine(512, instructions), 256, 128)
    said = []
    for machine in (bare, virtual):
        machine.put(words)
        try:
            machine.power_on(60_000)
            end = "" if machine.halted else " … and never ends"
        except HostLostError:
            end = " … and halts the host"
        text = "".join(chr(w) if 32 <= w < 127 else f" {w}" for w in machine.output[:8])
        said.append((text.strip() or "nothing") + end)
    return said[0], said[1]


def equivalence() -> pd.DataFrame:
    """Run every guest on every toy instruction set, bare and under the monitor.

    Returns:
        One row a pair: instruction set, guest, bare, virtual (what it printed), same.
    """
    rows = [
        (f"toy, {one.name}", name, *bare_and_virtual(one, program))
        for one in TOY_SETS
        for name, program in GUESTS.items()
    ]
    data = pd.DataFrame(rows, columns=["instruction set", "guest", "bare", "virtual"])
    return data.assign(same=data["bare"] == data["virtual"])


# Machine code that leaves its answer in rax. What is stored lies below the stack's end.
X86: dict[str, tuple[str, str]] = {
    "hlt": ("f4", "stops the processor"),
    "cli": ("fa", "switches interrupts off"),
    "in": ("e480", "reads a port"),
    "lgdt": ("0f015424e0", "sets the descriptor table"),
    "mov cr": ("0f20c0", "reads a control register"),
    "rdmsr": ("0f32", "reads one of the processor's own registers"),
    "sgdt": ("0f014424e0488b4424e2", "the address of the descriptor table"),
    "sidt": ("0f014c24e0488b4424e2", "the address of the interrupt table"),
    "sldt": ("31c00f00c0", "the local table"),
    "smsw": ("480f01e0", "the machine status"),
    "str": ("31c00f00c8", "the task"),
    "pushf": ("9c58", "the flags"),
    "popf": ("9c584825fffdffff509d9c58", "the flags, after an attempt to clear one"),
    "lar": ("8cc931c00f02c1", "the rights of the code segment"),
    "lsl": ("8cc931c00f03c1", "the length of the code segment"),
    "verr": ("8cc931c00f00e10f94c0", "may the code segment be read?"),
    "verw": ("8cd131c00f00e90f94c0", "may the stack segment be written?"),
    "push": ("0fa058", "a segment register"),
    "pop": ("6a000fa931c0", "loads a segment register"),
    "mov": ("31c08cc8", "the code segment, with the ring"),
    "ret": ("8cc850488d05030000005048cb8cc8", "to the same segment"),
}
_INTERRUPT_FLAG = 1 << 9
_NEVER_TRAP = ("pushf", "popf", "lar", "lsl", "verr", "verw", "mov")
_FAR_LONGER = 8


@experiment(f"{CHAPTER}/user-mode", recorded_with={"turns": 2000})
def user_mode(turns: int = 500) -> pd.DataFrame:
    """Execute sensitive instructions of this processor in user mode, and see which trap.

    An instruction that takes far longer than the others has trapped, too: the kernel answered in
    the processor's place. Of the classic list, call, jmp and int n are left out.

    Returns:
        One row an instruction: condition, what, traps ("yes", "unnoticed" or "no"), answer
        (hexadecimal), ns_each, says.
    """
    codes = json.dumps({name: code for name, (code, _) in X86.items()})
    rows = []
    for name, (signal, answer, seconds) in run_program("sensitive.py", turns, given=codes).items():
        value = "–" if answer is None else f"{answer:#x}"
        ns = math.nan if seconds is None else 1e9 * seconds / turns
        rows.append((name, X86[name][1], bool(signal), value, ns, _meaning(name, signal, answer)))
    columns = ["condition", "what", "traps", "answer", "ns_each", "says"]
    data = pd.DataFrame(rows, columns=columns)
    slowest = data.loc[data["condition"].isin(_NEVER_TRAP), "ns_each"].max()
    unnoticed = data["ns_each"] > _FAR_LONGER * slowest
    data["traps"] = data["traps"].map({True: "yes", False: "no"}).mask(unnoticed, "unnoticed")
    data.loc[unnoticed, "says"] = "an answer that the kernel, or who is below it, made up"
    return data


def _meaning(name: str, signal: str, answer: int | None) -> str:
    if signal or answer is None:
        return f"trap: the kernel sends {signal or 'nothing'}"
    if name == "popf":
        kept = answer & _INTERRUPT_FLAG
        return "ignored: interrupts are still on" if kept else "interrupts are off"
    if name == "pushf":
        return "interrupts are on" if answer & _INTERRUPT_FLAG else "interrupts are off"
    if name in ("mov", "ret"):
        return f"I am in ring {answer & 3}"
    if name in ("verr", "verw"):
        return "yes" if answer & 1 else "no"
    return "an answer, and no trap"


# --- machines in machines -------------------------------------------------------------------------

_LOOK = """
echo "$1|kernel|$(uname -r)"
echo "$1|hostname|$(hostname)"
echo "$1|its number|$$"
echo "$1|processes|$(ls -d /proc/[0-9]* | wc -l)"
while read word number unit; do
  [ "$word" = MemTotal: ] && echo "$1|memory|$number KiB"
done < /proc/meminfo
read up rest < /proc/uptime
echo "$1|clock|$up s since the kernel began"
"""
# A machine of four instructions and sixteen cells, interpreted by awk.
_INTERPRETER = """
BEGIN {
  split("inc inc inc halt", program, " "); cells = 16; pc = 1; level = "an interpreter in that"
  while (program[pc] != "halt") { memory[0]++; pc++; clock++ }
  print level "|kernel|–"; print level "|hostname|–"; print level "|its number|–"
  print level "|processes|1"; print level "|memory|" cells " cells"
  print level "|clock|" clock " instructions"
}
"""
_NEST = """
export LOOK='{look}'
sh -c "$LOOK" sh "a virtual machine"
unshare -m -u -p -f sh -c 'mount -t proc proc /proc; hostname box
exec sh -c "$LOOK" sh "a namespace in that"'
awk '{interpreter}'
"""
_QUESTIONS = ["kernel", "hostname", "its number", "processes", "memory", "clock"]


@experiment(f"{CHAPTER}/nest", needs=[host.qemu, host.guest_kernel], claims=["C039"])
def nest() -> pd.DataFrame:
    """Start an interpreter in a namespace in a virtual machine; ask each level what it sees.

    Returns:
        One row a level: condition, kernel, hostname, its number, processes, memory, clock.
    """
    shell = ["/bin/sh", "-c", _LOOK, "sh", "this machine"]
    here = subprocess.run(shell, capture_output=True, text=True, timeout=20, check=False).stdout
    script = _NEST.format(look=_LOOK.replace("'", "'\\''"), interpreter=_INTERPRETER)
    life = QemuLinux().lives(1, ["/bin/sh", "-c", script])[0]
    levels: dict[str, dict[str, str]] = {}
    for line in (here + str(life["output"])).replace("\r", "").splitlines():
        level, _, rest = line.partition("|")
        question, _, answer = rest.partition("|")
        if question in _QUESTIONS:
            levels.setdefault(level.strip(), {})[question] = answer.strip()
    if len(levels) < 4:
        raise CannotMeasure(f"only {len(levels)} of 4 levels answered: {', '.join(levels)}")
    rows = [{"condition": level, **answers} for level, answers in levels.items()]
    data = pd.DataFrame(rows, columns=["condition", *_QUESTIONS])
    return data.assign(accelerator=["", *["TCG"] * (len(data) - 1)])


def towers(depth: int = 3, program: str = guests.MINI_OS) -> pd.DataFrame:
    """Run one guest on a bare toy machine, in a virtual one, and in virtual ones in virtual ones.

    Returns:
        One row a tower: machines below, printed, exits (of the monitors, from the outermost on).
    """
    rows = []
    for floors in range(depth + 1):
        size = 128 << floors
        machine = toycpu.Machine(size)
        monitors: list[toycpu.VirtualMachine] = []
        for _ in range(floors):
            size //= 2
            monitors.append(toycpu.VirtualMachine(machine, size, size))
            machine = monitors[-1]
        machine.put(toycpu.assemble(program))
        machine.power_on()
        exits = [one.exits.total() for one in monitors]
        rows.append((floors, machine.text, ", ".join(map(str, exits)) or "–", sum(exits)))
    return pd.DataFrame(rows, columns=["monitors", "printed", "exits of each", "exits"])


# --- many at once ---------------------------------------------------------------------------------

_COUNTER, _FOREVER = 0x180000, 2**62
_WASM_TURNS = 400_000
_WASM = """(module (func (export "count") (param i64)
  (loop $again
    (local.set 0 (i64.sub (local.get 0) (i64.const 1)))
    (br_if $again (i32.wrap_i64 (i64.or (local.get 0) (i64.shr_u (local.get 0) (i64.const 20))))))
))"""
SIZES = (1, 2, 4, 8)
CROWDS = ("guests of KVM", "machines of WebAssembly")


@experiment(f"{CHAPTER}/crowd", claims=["C040"], recorded_with={"rounds": 10})
def crowd(
    rounds: int = 2, seed: int = 1, seconds: float = 0.12, progress: bool = False
) -> pd.DataFrame:
    """Run one, two, four, eight copies of a machine at once, and count their turns.

    Returns:
        Columns round, order, condition, kind, instances, million_turns_per_s (of all together),
        least_share (the slowest one's turns as a part of the average), accelerator (of a guest).
    """
    kinds: dict[str, Callable[[int, float], dict[str, float]]] = {
        CROWDS[0]: _guests,
        CROWDS[1]: _modules,
    }
    conditions = {
        f"{size} {kind}": partial(run, size, seconds)
        for kind, run in kinds.items()
        for size in SIZES
    }
    with suppress(RuntimeFailed):
        kvm.accept_kicks()
    data = measure_rounds(conditions, rounds=rounds, seed=seed, progress=progress)
    words = data["condition"].str.partition(" ")
    by = words[2].map({CROWDS[0]: f"KVM ({kvm.backend()})", CROWDS[1]: ""})
    return data.assign(kind=words[2], instances=pd.to_numeric(words[0]), accelerator=by)


def _rates(turns: list[float], seconds: float) -> dict[str, float]:
    together = sum(turns)
    return {
        "million_turns_per_s": together / seconds / 1e6,
        "least_share": len(turns) * min(turns) / together if together else 0.0,
    }


def _guests(count: int, seconds: float) -> dict[str, float]:
    """Guests of our monitor, each in a thread; their counts are read from their memory."""

    def turns(machine: kvm.Machine) -> int:
        return int(struct.unpack_from("=Q", machine.memory, _COUNTER)[0])

    def live(machine: kvm.Machine) -> None:
        with suppress(RuntimeFailed):  # it is kicked out in the end
            machine.run(limit_s=60)

    with ExitStack() as stack:
        machines = [stack.enter_context(kvm.Machine()) for _ in range(count)]
        for machine in machines:
            machine.start_in_long_mode(kvm.guest("progress"), 3, rbx=_COUNTER, rcx=_FOREVER)
            thread = threading.Thread(target=live, args=(machine,), daemon=True)
            thread.start()
            stack.callback(thread.join, 10)
            stack.callback(machine.kick)
        time.sleep(0.02)
        before, started = [turns(machine) for machine in machines], time.perf_counter()
        time.sleep(seconds)
        after, took = [turns(machine) for machine in machines], time.perf_counter() - started
    return _rates([a - b for a, b in zip(after, before, strict=True)], took)


def _modules(count: int, seconds: float) -> dict[str, float]:
    """Machines that no hardware ever was: one WebAssembly module, with a store for each thread."""
    try:
        import wasmtime
    except ImportError as error:
        raise RuntimeFailed(f"wasmtime: {error}") from None
    engine = wasmtime.Engine()
    module = wasmtime.Module(engine, bytes(wasmtime.wat2wasm(_WASM)))
    turns, stop = [0.0] * count, threading.Event()

    def live(place: int) -> None:
        store = wasmtime.Store(engine)
        call: Any = wasmtime.Instance(store, module, []).exports(store)["count"]
        while not stop.is_set():
            call(store, _WASM_TURNS)
            turns[place] += _WASM_TURNS

    threads = [threading.Thread(target=live, args=(place,), daemon=True) for place in range(count)]
    for thread in threads:
        thread.start()
    time.sleep(0.02)
    before, started = list(turns), time.perf_counter()
    time.sleep(seconds)
    after, took = list(turns), time.perf_counter() - started
    stop.set()
    for thread in threads:
        thread.join(10)
    return _rates([a - b for a, b in zip(after, before, strict=True)], took)


# --- where the techniques cut ---------------------------------------------------------------------


def cuts() -> pd.DataFrame:
    """Say at which interface each technique of the course cuts the stack.

    Returns:
        One row a technique: chapter, technique, cut at, who believes it, stays real below.
    """
    rows = [
        (
            12,
            "hardware level: a virtual machine",
            "ISA, all of it",
            "an operating system",
            "the CPU",
        ),
        (13, "full: trap, or translate", "ISA, all of it", "an unmodified system", "the CPU"),
        (13, "paravirtual", "ISA, changed by hypercalls", "an adapted system", "the CPU"),
        (13, "partial: one device", "ISA, a piece of it", "a driver", "the rest of the machine"),
        (8, "emulation", "ISA, a foreign one", "foreign programs", "nothing has to"),
        (14, "operating-system level: a container", "ABI, its names", "a program", "the kernel"),
        (5, "a user-space kernel (gVisor)", "ABI, all of it", "a program", "a few system calls"),
        (
            15,
            "language level: a JVM, WebAssembly",
            "ISA, one of its own",
            "a module",
            "the process",
        ),
        (16, "application level", "API, or the file names", "one application", "all the rest"),
    ]
    names = ["chapter", "technique", "cut at", "who believes it", "stays real below"]
    return pd.DataFrame(rows, columns=names).sort_values("chapter", ignore_index=True)
