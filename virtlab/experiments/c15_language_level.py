"""Experiments of chapter 15: what a language's virtual machine runs, guards, and costs."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import pandas as pd

from virtlab import host, leftovers
from virtlab.experiments import bytecode, languages
from virtlab.experiments.c05_security import victim
from virtlab.experiments.languages import MANAGED, Refused, java, mono, python, said
from virtlab.machines import stackvm
from virtlab.measure.rounds import measure_rounds
from virtlab.models import warmup
from virtlab.registry import CannotMeasure, Measurement, experiment
from virtlab.runtimes import RUNTIMES, RuntimeFailed
from virtlab.runtimes.launched import LaunchedRuntime

CHAPTER = "15-language-level"
OPEN, SHUT, CRASHED = "got through", "stopped", "crashed"


# --- bytecode -----------------------------------------------------------------------------------


@experiment(f"{CHAPTER}/own-bytecode", claims=["C056"], recorded_with={"rounds": 40})
def own_bytecode(rounds: int = 5, seed: int = 1) -> pd.DataFrame:
    """Run the bytecode of five Python functions by CPython and by a small interpreter of ours.

    Returns:
        One row a round and function: round, order, condition (the function), says (its result),
        same (both gave it), instructions (of ours, executed), cpython_us, ours_us.
    """
    results: dict[str, tuple[str, bool]] = {}

    def both(name: str) -> dict[str, float]:
        function, arguments = bytecode.EXAMPLES[name]
        interpreter = bytecode.Interpreter()
        begin = time.perf_counter_ns()
        ours = interpreter.call(function, *arguments)
        middle = time.perf_counter_ns()
        theirs = function(*arguments)
        end = time.perf_counter_ns()
        results[name] = str(theirs), ours == theirs
        return {
            "instructions": interpreter.executed,
            "cpython_us": (end - middle) / 1e3,
            "ours_us": (middle - begin) / 1e3,
        }

    try:
        data = measure_rounds(
            {name: partial(both, name) for name in bytecode.EXAMPLES}, rounds=rounds, seed=seed
        )
    except bytecode.UnknownInstructionError as error:
        raise CannotMeasure(str(error)) from None
    data["says"] = data["condition"].map(lambda name: results[name][0])
    data["same"] = data["condition"].map(lambda name: results[name][1])
    return data


def checked(source: str) -> tuple[str, str]:
    """Say what the course's stack machine tells of a program: its verifier, and a run."""
    code = stackvm.assemble(source)
    try:
        told = f"good, {stackvm.verify(code)} values at most"
    except stackvm.VerifyError as problem:
        told = f"refused: {problem}"
    try:
        result = stackvm.run(code, fuel=1000)
    except stackvm.CrashError as problem:
        return told, f"broke a rule: {problem}"
    except stackvm.TrapError as problem:
        return told, f"trapped: {problem}"
    return told, f"printed {result.output}" if result.halted else "did not end within its fuel"


# --- walls --------------------------------------------------------------------------------------

# iload_1, istore_2 becomes istore_0, aload_0, arraylength, ireturn
FORGED = (bytes.fromhex("1b 3d 2a be ac"), bytes.fromhex("1b 3b 2a be ac"))
NO_VERIFIER = (
    "-XX:+UnlockDiagnosticVMOptions",
    "-XX:-BytecodeVerificationRemote",
    "-XX:-CreateCoredumpOnCrash",
    "-XX:ErrorFile=/dev/null",
)
ADDRESS = 0xFC000000 - (1 << 32)  # where a heap of 64 MiB begins, as a rule


@experiment(f"{CHAPTER}/past-the-end", claims=["C057"])
def past_the_end() -> pd.DataFrame:
    """Read past the end of an array in four machines, by an address, and by forged bytecode.

    The controls: CPython with ctypes, which checks nothing, and a JVM without its verifier.

    Returns:
        One row a try: condition, outcome ("stopped", "got through" or "crashed"), by (what
        stopped it, or what it read).
    """
    ways: dict[str, Callable[[], tuple[str, str]]] = {
        "CPython, a list": lambda: _told(python("tenants_python.py", "none", "past", "s", "-")),
        "CPython, ctypes (control)": lambda: _told(
            python("tenants_python.py", "ctypes", "past", "s", "-")
        ),
        "CPython, forged bytecode": lambda: _told(
            python("tenants_python.py", "forged", "past", "s", "-")
        ),
        "JVM, an array": lambda: _told(java("Forge", "past", 0)),
        "CLR, an array": lambda: _told(mono("past")),
        "wasm, its memory": lambda: _told(
            python("tenants_wasm.py", "nothing", "past", "s", "-", packages=True)
        ),
        "JVM, forged pointer": lambda: _forged(()),
        "JVM, forged, no verifier (control)": lambda: _forged(NO_VERIFIER),
    }
    rows, failed = [], {}
    for name, way in ways.items():
        try:
            rows.append((name, *way()))
        except RuntimeFailed as error:
            failed[name] = str(error)
    data = pd.DataFrame(rows, columns=["condition", "outcome", "by"])
    data.attrs["failed"] = failed
    return data


def _told(life: dict[str, Any]) -> tuple[str, str]:
    """What came of reading past the end, from what the program printed."""
    if life["status"] < 0:
        return CRASHED, languages.complaint(life)
    first = said(life).splitlines()[0]
    stopped = first.startswith("stopped: ") or first.endswith("Exception")
    return (SHUT if stopped else OPEN), first.removeprefix("stopped: ")


def forged() -> bytes:
    """`Forge.class` with one byte changed: its `length` takes a number for an array."""
    original = (MANAGED / "Forge.class").read_bytes()
    assert original.count(FORGED[0]) == 1
    return original.replace(*FORGED)


def _forged(options: tuple[str, ...]) -> tuple[str, str]:
    with leftovers.own_folder() as folder:
        (folder / "Forge.class").write_bytes(forged())
        life = java("Forge", "length", ADDRESS, options=options, folder=folder)
    output = str(life["output"])
    if died := re.search(r"# +(SIG[A-Z]+)", output):  # the JVM writes its obituary itself
        return CRASHED, f"the whole JVM died of {died[1]}"
    if life["status"] < 0:
        return CRASHED, languages.complaint(life)
    if life["status"] == 0:
        return OPEN, f"{output.split()[-1]}, read at an address of its choice"
    return SHUT, languages.complaint(life).partition(":")[0]


ATTACKS = ("memory", "file", "end")
CONTAINER = "a container, for comparison"


@experiment(f"{CHAPTER}/walls", claims=["C057"])
def walls() -> pd.DataFrame:
    """Let a program of a language attack its neighbour in the same runtime, and the host.

    The control of wasm's wall: everything the intruder needs is lent to it. The container is the
    operating system's wall, for comparison. Each attack has a process of its own.

    Returns:
        One row a runtime: condition, memory (the neighbour's secret), file (a file of the host),
        end (of the neighbour): "got through" or "stopped".
    """
    ways: dict[str, Callable[[str, str, Path], dict[str, Any]]] = {
        "JVM, two class loaders": lambda attack, secret, file: java(
            "Tenants", MANAGED, attack, secret, file
        ),
        "CLR, private fields": lambda attack, secret, file: mono(attack, secret, file),
        "CPython": lambda *words: python("tenants_python.py", "none", *words),
        "CPython, no builtins": lambda *words: python("tenants_python.py", "no builtins", *words),
        "wasm, nothing lent": lambda *words: python(
            "tenants_wasm.py", "nothing", *words, packages=True
        ),
        "wasm, all lent (control)": lambda *words: python(
            "tenants_wasm.py", "everything", *words, packages=True
        ),
    }
    rows, failed = [], {}
    for name, way in ways.items():
        try:
            rows.append({"condition": name} | {one: _attack(way, one) for one in ATTACKS})
        except RuntimeFailed as error:
            failed[name] = str(error)
    if available := RUNTIMES["namespaces"].available():
        try:
            rows.append({"condition": CONTAINER} | _attack_from_a_container())
        except (RuntimeFailed, CannotMeasure) as error:
            failed[CONTAINER] = str(error)
    else:
        failed[CONTAINER] = f"namespaces: {available.why}"
    data = pd.DataFrame(rows, columns=["condition", *ATTACKS])
    data.attrs["failed"] = failed
    return data


def _attack(way: Callable[[str, str, Path], dict[str, Any]], attack: str) -> str:
    """Make a secret and a file, let the intruder loose, and say what came of it."""
    secret = f"secret-{secrets.token_hex(4)}"
    with leftovers.own_folder() as folder:
        file = folder / "word"
        file.write_text(f"file-{secret}\n")
        life = way(attack, secret, file)
    told = str(life["output"])
    lives = "the neighbour lives" in told
    if attack != "end" and not lives:
        raise RuntimeFailed(f"{attack}: {languages.complaint(life)}")
    wanted = {"memory": secret, "file": f"file-{secret}", "end": ""}[attack]
    got = not lives if attack == "end" else wanted in told.splitlines()
    return OPEN if got else SHUT


IN_A_CONTAINER = """
read -r word < {file} && echo "file $word"
echo "memory $(dd if=/proc/{pid}/mem bs=1 skip={address} count={length})"
kill -9 {pid}
"""


def _attack_from_a_container() -> dict[str, str]:
    runtime = RUNTIMES["namespaces"]
    assert isinstance(runtime, LaunchedRuntime)
    with victim() as target:
        script = IN_A_CONTAINER.format(
            file=target.file, pid=target.pid, address=target.address, length=len(target.memory)
        )
        told = str(runtime.lives(1, ["/bin/sh", "-c", script])[0]["output"])
        killed = not target.is_alive()
        got = {"memory": target.memory in told, "file": target.text in told, "end": killed}
    return {name: OPEN if got[name] else SHUT for name in ATTACKS}


LOOP = '(module (func (export "run") (result i32) (loop $again (br $again)) (i32.const 0)))'
DEEPER = '(module (func $down (export "run") (result i32) (call $down)))'
GROW = '(module (memory 1) (func (export "run") (result i32) (memory.grow (i32.const 1000))))'
PAGES = 16


@experiment(f"{CHAPTER}/limits", needs=[host.wasmtime], claims=["C057"])
def limits(fuel: int = 1_000_000, n: int = 300) -> pd.DataFrame:
    """Give WebAssembly modules little fuel, memory and stack, and let them ask for more.

    Returns:
        One row a run: condition, fuel (given), outcome (what it returned, or why it was ended),
        used (of the fuel), ms.
    """
    import wasmtime

    metered = languages.engine(consume_fuel=True)
    programs = {"an endless loop": LOOP, "an endless recursion": DEEPER, "1000 more pages": GROW}
    runs: list[tuple[str, bytes, int, tuple[int, ...]]] = [
        ("an endless loop", languages.binary(LOOP), fuel // 100, ()),
        ("an endless loop", languages.binary(LOOP), fuel, ()),
    ]
    runs += [
        (name, languages.binary(programs[name]), fuel, ())
        for name in ("an endless recursion", "1000 more pages")
    ]
    runs += [(f"honest work, run {turn}", languages.work_module(), fuel, (n,)) for turn in (1, 2)]
    rows = []
    for name, module, given, arguments in runs:
        store, get = _limited(metered, module)
        function = get("work" if arguments else "run")
        store.set_fuel(given)
        begin = time.perf_counter_ns()
        try:
            outcome = str(function(store, *arguments))
        except (wasmtime.WasmtimeError, wasmtime.Trap) as trap:
            outcome = languages.last_line(str(trap)).removeprefix("wasm trap: ")
        ms = (time.perf_counter_ns() - begin) / 1e6
        rows.append((name, given, outcome, given - store.get_fuel(), ms))
    return pd.DataFrame(rows, columns=["condition", "fuel", "outcome", "used", "ms"])


def _limited(engine: Any, module: bytes) -> tuple[Any, Callable[[str], Any]]:
    """An instance that may have PAGES pages of memory at most."""
    import wasmtime

    store = wasmtime.Store(engine)
    store.set_limits(memory_size=PAGES * 65536)
    store.set_fuel(1_000_000)
    exports: Any = wasmtime.Instance(store, wasmtime.Module(engine, module), []).exports(store)
    return store, exports.__getitem__


# --- warming up -----------------------------------------------------------------------------------

N = 1000
WORK_WAT = str(MANAGED / "work.wat")
RUNNERS: dict[str, Callable[[int, int], dict[str, Any]]] = {
    "JVM": lambda n, times: java("Work", "time", n, times),
    "JVM, no JIT": lambda n, times: java("Work", "time", n, times, options=("-Xint",)),
    "CLR (Mono)": lambda n, times: mono("time", n, times),
    "wasm": lambda n, times: python("work_wasm.py", "native", WORK_WAT, n, times, packages=True),
    "wasm, no JIT": lambda n, times: python(
        "work_wasm.py", "pulley64", WORK_WAT, n, times, packages=True
    ),
    "CPython": lambda n, times: python("work_python.py", n, times),
}


@experiment(f"{CHAPTER}/warm-up", claims=["C058"], recorded_with={"rounds": 15})
def warm_up(
    rounds: int = 3, times: int = 150, n: int = N, seed: int = 1, progress: bool = False
) -> pd.DataFrame:
    """Repeat the same work in a new process of each runtime; time its start and each repetition.

    Returns:
        One row a process: round, order, condition, start_ms (from the call to the program's first
        look at the clock), digest (of the results), series_us (the time of each repetition, as
        text with blanks between).
    """
    told: list[tuple[int, str]] = []

    def once(name: str) -> dict[str, float]:
        life = RUNNERS[name](n, times)
        begun, digest, *spans = map(int, said(life).split())
        if len(spans) != times:
            raise RuntimeFailed(f"{name}: {len(spans)} of {times} repetitions")
        told.append((digest, " ".join(f"{span / 1e3:.1f}" for span in spans)))
        return {"start_ms": (begun - life["stamps"]["call"]) / 1e6, "told": len(told) - 1}

    data = measure_rounds(
        {name: partial(once, name) for name in RUNNERS},
        rounds=rounds,
        seed=seed,
        warm=False,  # the file cache is warm after the first round; each process starts cold
        progress=progress,
    )
    data["digest"] = [told[int(place)][0] for place in data["told"]]
    data["series_us"] = [told[int(place)][1] for place in data["told"]]
    return data.drop(columns="told")


def series(row: Any) -> list[float]:
    """The times of one process's repetitions, in µs."""
    return [float(word) for word in str(row).split()]


def judged(m: Measurement) -> pd.DataFrame:
    """Judge each process of `warm_up`.

    Returns:
        One row a process: condition, round, kind, steady_from, steady_us (NaN where it never
        became steady), first_us, late_us (the median of its last third), start_ms, source.
    """
    rows = []
    for place in m.data.to_dict("records"):
        times = series(place["series_us"])
        verdict = warmup.classify(times)
        rows.append(
            {name: place[name] for name in ("condition", "round", "start_ms", "source")}
            | {
                "kind": verdict.kind,
                "steady_from": verdict.steady_from,
                "steady_us": verdict.steady,
                "first_us": times[0],
                "late_us": median(times[-(len(times) // 3) :]),
            }
        )
    return pd.DataFrame(rows)


def totals(m: Measurement) -> Measurement:
    """The time from the call to the end of each repetition, as a measurement to draw.

    Its rows have round, condition, repetitions and total_ms.
    """
    rows = []
    for place in m.data.to_dict("records"):
        total = float(place["start_ms"])
        for number, us in enumerate(series(place["series_us"]), start=1):
            total += us / 1e3
            if number in SHOWN:
                rows.append((place["round"], place["condition"], number, total, place["source"]))
    columns = ["round", "condition", "repetitions", "total_ms", "source"]
    data = pd.DataFrame(rows, columns=columns)
    return Measurement(data, m.source, m.reason, m.provenance, m.experiment)


SHOWN = (1, 10, 40, 150)


# --- the same bytes elsewhere ---------------------------------------------------------------------


@experiment(f"{CHAPTER}/same-bytes", claims=["C059"])
def same_bytes() -> pd.DataFrame:
    """Give the same file to several engines and compare what it computes where machines differ.

    Returns:
        One row an engine: condition, file, bytes, sha256 (of the file, its beginning), results
        (seven numbers), digest (of the results), executed_as.
    """
    corners = ("Work", "corners")
    ways: dict[str, tuple[str, str, Callable[[], str]]] = {
        "Wasmtime": ("work.wasm", "machine code", languages.corners_in_wasm),
        "Wasmtime, Pulley": (
            "work.wasm",
            "code for no real CPU",
            partial(languages.corners_in_wasm, "pulley64"),
        ),
        "Node": ("work.wasm", "machine code", languages.corners_in_node),
        "JVM": ("Work.class", "both", lambda: said(java(*corners))),
        "JVM, no JIT": (
            "Work.class",
            "interpreted",
            lambda: said(java(*corners, options=["-Xint"])),
        ),
        "JVM, JIT only": (
            "Work.class",
            "machine code",
            lambda: said(java(*corners, options=["-Xcomp"])),
        ),
        "CLR (Mono)": ("Work.exe", "machine code", lambda: said(mono("corners"))),
        "CLR (Mono), no JIT": (
            "Work.exe",
            "interpreted",
            lambda: said(mono("corners", options=["--interpreter"])),
        ),
    }
    rows, failed = [], {}
    for name, (file, executed_as, way) in ways.items():
        try:
            results = way().split()
        except RuntimeFailed as error:
            failed[name] = str(error)
            continue
        content = languages.work_module() if file == "work.wasm" else (MANAGED / file).read_bytes()
        rows.append(
            {
                "condition": name,
                "file": file,
                "bytes": len(content),
                "sha256": languages.digest(content),
                "results": " ".join(results),
                "digest": languages.digest("\n".join(results).encode()),
                "executed_as": executed_as,
            }
        )
    data = pd.DataFrame(rows)
    data.attrs["failed"] = failed
    return data


WIDE = """
(module (memory i64 1)
  (func (export "run") (result i32)
    (i32.store (i64.const 8) (i32.const 42)) (i32.load (i64.const 8))))
"""
NEWER = 99  # a version of the class file format that does not exist yet


@experiment(f"{CHAPTER}/newer", claims=["C059"])
def newer() -> pd.DataFrame:
    """Give engines a program that uses something newer than they know, and a foreign translation.

    Returns:
        One row a try: condition, outcome (what it returned, or the refusal), works.
    """
    wide = partial(languages.binary, WIDE)
    ways: dict[str, Callable[[], str]] = {
        "wasm with 64-bit memory: Wasmtime": lambda: _run(
            languages.engine(wasm_memory64=True), wide()
        ),
        "wasm with 64-bit memory: Wasmtime, feature off": lambda: _run(
            languages.engine(wasm_memory64=False), wide()
        ),
        "wasm with 64-bit memory: Node": lambda: languages.node("run:", module=wide()).strip(),
        "class file of Java 8: JVM": lambda: said(java("Work", "corners")).split()[0],
        "class file of a later Java: JVM": _later_class,
        "translation for Pulley: Wasmtime for this CPU": _foreign_translation,
    }
    rows, failed = [], {}
    for name, way in ways.items():
        try:
            rows.append((name, way(), True))
        except Refused as refusal:
            rows.append((name, f"refused: {refusal}", False))
        except RuntimeFailed as error:
            failed[name] = str(error)
    data = pd.DataFrame(rows, columns=["condition", "outcome", "works"])
    data.attrs["failed"] = failed
    return data


def _run(engine: Any, module: bytes) -> str:
    store, get = languages.instance(engine, module)
    return str(get("run")(store))


def _later_class() -> str:
    content = bytearray((MANAGED / "Work.class").read_bytes())
    content[6:8] = NEWER.to_bytes(2)  # the format's version; all else stays as it was
    with leftovers.own_folder() as folder:
        (folder / "Work.class").write_bytes(content)
        return said(java("Work", "corners", folder=folder))


def _foreign_translation() -> str:
    import wasmtime

    translated = wasmtime.Module(languages.engine("pulley64"), languages.work_module()).serialize()
    try:
        wasmtime.Module.deserialize(languages.engine(), translated)
    except wasmtime.WasmtimeError as refusal:
        raise Refused(languages.last_line(str(refusal))) from None
    return "taken"
