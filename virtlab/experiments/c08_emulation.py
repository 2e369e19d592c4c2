"""Experiments of chapter 08: code for another processor, and what it takes to run it here."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Any

import pandas as pd

from virtlab import host
from virtlab.experiments import emulators
from virtlab.experiments.emulators import FUNCTION, STEPS, N
from virtlab.host import find_tool
from virtlab.machines import arm64
from virtlab.machines.chip8 import VIP, Chip8, Quirks, assemble, roms
from virtlab.measure.rounds import measure_rounds
from virtlab.registry import CannotMeasure, experiment
from virtlab.runtimes import RuntimeFailed, kvm
from virtlab.runtimes.launcher import payload

CHAPTER = "08-emulation"


# --- who runs what ------------------------------------------------------------------------------


@experiment(f"{CHAPTER}/who-runs-what", claims=["C031"])
def who_runs_what() -> pd.DataFrame:
    """Give the x86-64 and the Arm program to the CPU, to emulators and to our interpreter.

    "the CPU" jumps to the bytes of the function; "the kernel" is asked to start the program's file.

    Returns:
        One row a pair: condition, program and executor, outcome (the number of steps, or what
        happened instead), works (the number was right).
    """
    rows = []
    for isa in emulators.ISAS:
        with emulators.program_file(isa) as path:
            ways: dict[str, Callable[[], int]] = {
                "the CPU": partial(emulators.by_jumping, emulators.program(isa), FUNCTION, N, 1),
                "the kernel": lambda path=path: emulators.by_process(path, 1).total,  # type: ignore[misc]
            }
            for name in emulators.ISAS.values():
                ways[f"qemu-{name}"] = lambda path=path, name=name: (  # type: ignore[misc]
                    emulators.by_process(path, 1, f"qemu-{name}").total
                )
            for other in emulators.ISAS:
                ways[f"Unicorn as {other}"] = partial(_in_unicorn, other, emulators.program(isa))
            ways["our interpreter"] = partial(_in_ours, emulators.program(isa))
            for executor, way in ways.items():
                outcome = _outcome(way)
                rows.append(
                    {
                        "condition": f"{isa} on {executor}",
                        "program": isa,
                        "executor": executor,
                        "outcome": outcome,
                        "works": outcome == str(STEPS),
                    }
                )
    return pd.DataFrame(rows)


def _outcome(way: Callable[[], int]) -> str:
    """What came of it, in a few words; an emulator that is missing here is not an outcome."""
    try:
        return str(way())
    except (RuntimeFailed, arm64.ArmError) as error:
        words = str(error)
    if " here; " in words:
        raise CannotMeasure(words)
    return words


def _in_unicorn(isa: str, code: bytes) -> int:
    """Run the function of any program on an emulated processor, for a moment."""
    processor = emulators.UnicornProcessor(isa)
    processor.engine.mem_write(emulators.BASE, code)
    import unicorn

    try:
        return processor.repeat(1).total
    except unicorn.UcError as error:
        raise RuntimeFailed(str(error).rpartition("(")[0].strip() or str(error)) from None


def _in_ours(code: bytes) -> int:
    return emulators.by_our_own(arm64.Interpreter(code), 1).total


# --- results per second -------------------------------------------------------------------------

# How often the function runs in one measurement: some hundredths of a second each.
TIMES = {
    "native": 100_000,
    "QEMU user, x86-64": 60_000,
    "QEMU user, Arm": 60_000,
    "QEMU board, Arm": 60_000,
    "Unicorn, x86-64": 10_000,
    "Unicorn, Arm": 10_000,
    "our translator, Arm": 100,
    "our interpreter, Arm": 10,
    "CHIP-8, interpreted": 1,
}
HOW = {
    "native": "the CPU itself",
    "QEMU user, x86-64": "translated to machine code",
    "QEMU user, Arm": "translated to machine code",
    "QEMU board, Arm": "translated to machine code",
    "Unicorn, x86-64": "translated to machine code",
    "Unicorn, Arm": "translated to machine code",
    "our translator, Arm": "translated to Python",
    "our interpreter, Arm": "interpreted by Python",
    "CHIP-8, interpreted": "interpreted by Python",
}


@experiment(
    f"{CHAPTER}/results-per-second",
    claims=["C031"],
    recorded_with={"rounds": 60},
)
def results_per_second(rounds: int = 10, seed: int = 1, progress: bool = False) -> pd.DataFrame:
    """Compute the same number by the CPU and by eight emulators; count results per second.

    A result is the number of steps that 27 takes to 1. The clock runs around the function only;
    emulators are warm, but for what they translate anew in each process (QEMU).

    Returns:
        Columns round, order, condition, results_per_s, how (what executes the instructions).
    """
    with ExitStack() as files:
        paths = {isa: files.enter_context(emulators.program_file(isa)) for isa in emulators.ISAS}
        own = {
            "our translator, Arm": arm64.Translator(emulators.program("Arm")),
            "our interpreter, Arm": arm64.Interpreter(emulators.program("Arm")),
        }
        unicorns: dict[str, emulators.UnicornProcessor] = {}

        def unicorn(isa: str, times: int) -> emulators.Run:
            if isa not in unicorns:
                unicorns[isa] = emulators.UnicornProcessor(isa)
            return unicorns[isa].repeat(times)

        def native(times: int) -> emulators.Run:
            isa = emulators.native_isa()
            if isa not in paths:
                raise RuntimeFailed(f"the course has no machine code for {isa}")
            return emulators.by_process(paths[isa], times)

        ways: dict[str, Callable[[int], Any]] = {"native": native}
        for isa, name in emulators.ISAS.items():
            ways[f"QEMU user, {isa}"] = partial(
                emulators.by_process, paths[isa], emulator=f"qemu-{name}"
            )
            ways[f"Unicorn, {isa}"] = partial(unicorn, isa)
        ways["QEMU board, Arm"] = emulators.by_board
        for name, processor in own.items():
            ways[name] = partial(emulators.by_our_own, processor)
        ways["CHIP-8, interpreted"] = lambda times: emulators.by_chip8()
        data = measure_rounds(
            {name: partial(_rate, ways[name], times) for name, times in TIMES.items()},
            rounds=rounds,  # the same for all: ratios are paired by round
            seed=seed,
            progress=progress,
        )
    data["how"] = data["condition"].map(HOW)
    return data


def _rate(way: Callable[[int], Any], times: int) -> dict[str, float]:
    """Run once; a wrong sum is a failure, not a measurement."""
    run = way(times)
    if run.total != STEPS * times:
        raise RuntimeFailed(f"the sum is {run.total}; it should be {STEPS * times}")
    return {"results_per_s": times / run.seconds}


# --- what a translation costs, and when it pays -------------------------------------------------

WORK = ((2, 1), (5, 1), (7, 1), (27, 1), (27, 3), (27, 10), (27, 30))


@experiment(f"{CHAPTER}/first-run", recorded_with={"rounds": 40})
def first_run(rounds: int = 10, seed: int = 1, progress: bool = False) -> pd.DataFrame:
    """Give a new interpreter and a new translator more and more work; time each from the start.

    Both are ours and run the same Arm code. The translator starts with an empty cache.

    Returns:
        Columns round, order, condition (interpreter or translator), instructions (of the guest,
        executed), ms, translations (blocks).
    """
    code = emulators.program("Arm")
    kinds: Mapping[str, type[arm64.Interpreter]] = {
        "interpreter": arm64.Interpreter,
        "translator": arm64.Translator,
    }
    conditions = {
        f"{name}/{n}/{times}": partial(_from_the_start, kind, code, n, times)
        for name, kind in kinds.items()
        for n, times in WORK
    }
    data = measure_rounds(conditions, rounds=rounds, seed=seed, progress=progress)
    data["condition"] = data["condition"].str.partition("/")[0]
    return data


def _from_the_start(
    kind: type[arm64.Interpreter], code: bytes, n: int, times: int
) -> dict[str, float]:
    processor = kind(code)
    run = emulators.by_our_own(processor, times, n)
    return {
        "ms": 1000 * run.seconds,
        "instructions": processor.executed,
        "translations": getattr(processor, "translations", 0),
    }


# --- a foreign machine --------------------------------------------------------------------------

CPUS = ("cortex-a53", "cortex-a57", "cortex-a72")


@experiment(f"{CHAPTER}/foreign-guest", needs=[host.qemu_system_aarch64], claims=["C031"])
def foreign_guest(times: int = 1000) -> pd.DataFrame:
    """Start a bare Arm guest on QEMU's board with several processors; ask which one it found.

    At last the same with `-accel kvm`: the host's own processor is to execute it.

    Returns:
        One row a board: condition (processor and accelerator), processor (what the guest read in
        it), level (its privilege: 1 is a kernel's), result (steps of 27, or the refusal), works,
        first_reply_ms and gone_ms (from the start of QEMU).
    """
    rows: list[dict[str, Any]] = []
    for cpu, accelerator in [*((cpu, "tcg") for cpu in CPUS), ("host", "kvm")]:
        row: dict[str, Any] = {"condition": f"{cpu} ({accelerator.upper()})"}
        try:
            run = emulators.by_board(times, cpu, accelerator)
        except RuntimeFailed as error:
            rows.append(row | {"processor": "–", "level": "–", "result": f"refused: {error}"})
        else:
            rows.append(
                row
                | {
                    "processor": emulators.processor_name(run.said["midr"]),
                    "level": run.said["level"],
                    "result": str(run.total // times),
                    "first_reply_ms": run.first_reply_ms,
                    "gone_ms": run.gone_ms,
                }
            )
    data = pd.DataFrame(rows)
    data["works"] = data["result"] == str(STEPS)
    return data


@experiment(
    f"{CHAPTER}/foreign-program",
    needs=[host.namespaces, host.user_namespace, host.qemu_aarch64],
    claims=["C031"],
)
def foreign_program() -> pd.DataFrame:
    """Let the kernel start an Arm program, without and with an emulator in its table of formats.

    Returns:
        One row a try: condition, outcome (steps of 27, or the refusal), works.
    """
    emulator = find_tool("qemu-aarch64")
    with emulators.program_file("Arm") as path:
        done = subprocess.run(
            [
                *(sys.executable, "-I", "-S", str(emulators.PROGRAMS / "foreign.py")),
                *(str(path), str(emulator)),
            ],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    if done.returncode != 0:
        said = done.stderr.strip().rpartition("\n")[2] or f"status {done.returncode}"
        raise CannotMeasure(f"{said}; a table of its own needs Linux 6.7 or later")
    rows = []
    for condition, told in json.loads(done.stdout).items():
        outcome = told
        if len(told) == 80:
            outcome = str(struct.unpack("<5Q", bytes.fromhex(told))[0])
        name = {"before": "no emulator entered", "after": "qemu-aarch64 entered"}[condition]
        rows.append((name, outcome, outcome == str(STEPS)))
    return pd.DataFrame(rows, columns=["condition", "outcome", "works"])


# --- legacy -------------------------------------------------------------------------------------


@experiment(f"{CHAPTER}/legacy", claims=["C032"])
def legacy() -> pd.DataFrame:
    """Run a 16-bit DOS program and a CHIP-8 program, where they can run and where they cannot.

    Returns:
        One row a try: condition, says (what the program wrote, or what happened instead), works,
        served (calls of DOS that we answered), ms, accelerator (what executes the instructions).
    """
    code = payload("dos-collatz")
    failed: dict[str, str] = {}
    rows: list[dict[str, Any]] = [{**_jumped(code), "condition": "DOS program, as 64-bit code"}]
    ways: dict[str, tuple[Callable[[bytes], emulators.DosRun], str]] = {
        "DOS program, Unicorn": (emulators.dos_by_unicorn, "TCG (Unicorn)"),
        "DOS program, KVM": (emulators.dos_by_kvm, "KVM"),
    }
    for name, (way, accelerator) in ways.items():
        try:
            run = way(code)
        except RuntimeFailed as error:
            failed[name] = str(error)
            continue
        if accelerator == "KVM":
            accelerator = f"KVM ({kvm.backend()})"
        rows.append(
            {
                "condition": name,
                "says": run.text,
                "works": run.text.endswith(str(STEPS)),
                "served": run.calls,
                "ms": 1000 * run.seconds,
                "accelerator": accelerator,
            }
        )
    chip8 = emulators.by_chip8()
    rows.append(
        {
            "condition": "CHIP-8 program",
            "says": str(chip8.total),
            "works": chip8.total == STEPS,
            "served": 0,
            "ms": 1000 * chip8.seconds,
            "accelerator": "our interpreter",
        }
    )
    data = pd.DataFrame(rows)
    data.attrs["failed"] = failed
    return data


def _jumped(code: bytes) -> dict[str, Any]:
    """What this CPU does with 16-bit code when it takes it for its own."""
    try:
        says = f"it returned {emulators.by_jumping(code, 0)}"
    except RuntimeFailed as error:
        says = str(error)
    return {"says": says, "works": False, "served": 0, "accelerator": "the CPU itself"}


MACHINES: Mapping[str, Quirks] = {
    "as in 1977": VIP,
    "shift in place": replace(VIP, shift_uses_vy=False),
    "storing keeps I": replace(VIP, memory_moves_i=False),
    "sprites wrap": replace(VIP, sprites_wrap=True),
}


@experiment(f"{CHAPTER}/quirks", claims=["C032"])
def quirks() -> pd.DataFrame:
    """Run one CHIP-8 program as in 1977, and by three interpreters that differ in one quirk each.

    Returns:
        One row a line of a screen: condition, line, pixels (64 of # and .), and executed
        (instructions until the program stopped).
    """
    rows = []
    for name, quirk in MACHINES.items():
        machine = Chip8(assemble(roms.STAIRS), quirk)
        emulators.run_until_it_stops(machine)
        rows += [(name, line, pixels, machine.executed) for line, pixels in _lines(machine)]
    return pd.DataFrame(rows, columns=["condition", "line", "pixels", "executed"])


@experiment(f"{CHAPTER}/screen", claims=["C032"])
def screen() -> pd.DataFrame:
    """Run two CHIP-8 programs of the course until they stop, and take a picture of each screen.

    Returns:
        As `quirks`; the conditions are the programs.
    """
    rows = []
    for name, source in {"TRIANGLES": roms.TRIANGLES, "COLLATZ": roms.COLLATZ}.items():
        machine = Chip8(assemble(source))
        emulators.run_until_it_stops(machine)
        rows += [(name, line, pixels, machine.executed) for line, pixels in _lines(machine)]
    return pd.DataFrame(rows, columns=["condition", "line", "pixels", "executed"])


def _lines(machine: Chip8) -> Iterator[tuple[int, str]]:
    for line, row in enumerate(machine.screen):
        yield line, "".join("#" if pixel else "." for pixel in row)
