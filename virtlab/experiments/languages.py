"""Programs for machines that nobody built: Java's, .NET's, WebAssembly's and CPython's.

Each way to run one raises RuntimeFailed, in one line, where it cannot. What is timed is started by
the launcher, not by the notebook's own process.
"""

from __future__ import annotations

import functools
import hashlib
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from virtlab.host import find_tool
from virtlab.runtimes import RUNTIMES, RuntimeFailed
from virtlab.runtimes.launched import LaunchedRuntime

PROGRAMS = Path(__file__).parent / "programs"
MANAGED = PROGRAMS / "managed"
PATIENCE_S = 30
# No files in /tmp, a small heap, and one thread that collects garbage: as little noise as can be.
JVM = ("-XX:-UsePerfData", "-Xmx64m", "-XX:+UseSerialGC")
CORNERS = ("work", "add", "divide", "remainder", "left", "right", "sum")
ARGUMENTS = ((1000,), (2147483647, 1), (-7, 2), (-7, 2), (1, 33), (-1, 28), (1000,))


def java(*words: object, options: Sequence[str] = (), folder: Path = MANAGED) -> dict[str, Any]:
    """Run a class of this course (first word) in a Java virtual machine; return its life."""
    return _life("jvm", [*JVM, *options, "-cp", str(folder), *map(str, words)])


def mono(*words: object, options: Sequence[str] = ()) -> dict[str, Any]:
    """Run `Work.exe` in the Common Language Runtime; return its life."""
    return _life("clr", [*options, str(MANAGED / "Work.exe"), *map(str, words)])


def python(name: str, *words: object, packages: bool = False) -> dict[str, Any]:
    """Run one of the programs beside this module in a CPython of its own; return its life."""
    if packages:
        _available("wasmtime")
    isolation = ["-I"] if packages else ["-I", "-S"]
    command = [sys.executable, *isolation, str(PROGRAMS / name), *map(str, words)]
    return _life("posix_spawn", command)


def node(*calls: str, module: bytes) -> str:
    """Call functions of a WebAssembly module in Node's engine and return what it printed."""
    tool = find_tool("node")
    if tool is None:
        raise RuntimeFailed("no node here; apt-get install nodejs")
    done = subprocess.run(
        [tool, str(PROGRAMS / "work_node.js"), module.hex(), *calls],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    if done.returncode != 0:
        raise Refused(done.stderr.strip().rpartition("\n")[2] or f"status {done.returncode}")
    return done.stdout


class Refused(RuntimeFailed):
    """The runtime is here, and will not run this program."""


def said(life: dict[str, Any]) -> str:
    """Return what a life printed.

    Raises:
        Refused: it printed nothing and failed; the message is its complaint.
    """
    if life["status"] != 0 and not life["output"]:
        raise Refused(complaint(life))
    return str(life["output"]).strip()


def complaint(life: dict[str, Any]) -> str:
    """Return why a life ended badly, in one line."""
    errors = str(life.get("errors", ""))
    if named := re.search(r"java\.[\w.]+(?:Error|Exception)\b(?:: [^\n(]*)?", errors):
        return named[0].strip()
    if lines := [line.strip() for line in errors.splitlines() if line.strip()]:
        return lines[-1].removeprefix("Error: ")
    status = int(life["status"])
    return f"killed by signal {-status}" if status < 0 else f"it ended with status {status}"


def _life(runtime: str, command: Sequence[str]) -> dict[str, Any]:
    _available(runtime)
    launched = RUNTIMES[runtime]
    assert isinstance(launched, LaunchedRuntime)
    return launched.lives(1, list(command))[0]


def _available(runtime: str) -> None:
    if not (available := RUNTIMES[runtime].available()):
        raise RuntimeFailed(f"{available.why}; {available.remedy}".removesuffix("; "))


# --- WebAssembly in this process ------------------------------------------------------------------


@functools.cache
def binary(source: str) -> bytes:
    """WebAssembly's binary form of a module in text."""
    _available("wasmtime")
    import wasmtime

    return bytes(wasmtime.wat2wasm(source))


def work_module() -> bytes:
    """The module that does the same as `Work.class` and `Work.exe`."""
    return binary((MANAGED / "work.wat").read_text(encoding="utf-8"))


def engine(target: str = "", **settings: Any) -> Any:
    """A Wasmtime engine; settings are those of `wasmtime.Config`.

    Args:
        target: "pulley64" for an instruction set that Wasmtime itself interprets; else machine code
            for this machine's processor.
        **settings: as `consume_fuel=True`.
    """
    _available("wasmtime")
    import wasmtime

    config = wasmtime.Config()
    if target:
        config.target = target
    for name, value in settings.items():
        setattr(config, name, value)
    return wasmtime.Engine(config)


def instance(engine: Any, module: bytes) -> tuple[Any, Callable[[str], Any]]:
    """A new store, and a way to get what an instance of the module exports.

    Raises:
        Refused: the engine does not take the module.
    """
    import wasmtime

    store = wasmtime.Store(engine)
    try:
        exports: Any = wasmtime.Instance(store, wasmtime.Module(engine, module), []).exports(store)
    except wasmtime.WasmtimeError as refusal:
        raise Refused(last_line(str(refusal))) from None
    return store, exports.__getitem__


def last_line(text: str) -> str:
    """The innermost cause, without Wasmtime's numbering and backtrace."""
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    return lines[-1].partition(": ")[2] if lines[-1][:1].isdigit() else lines[-1]


def corners_in_wasm(target: str = "") -> str:
    """The results where machines differ, by Wasmtime, one a line."""
    store, get = instance(engine(target), work_module())
    return "\n".join(
        str(get(name)(store, *words)) for name, words in zip(CORNERS, ARGUMENTS, strict=True)
    )


def corners_in_node() -> str:
    """The same by Node."""
    calls = [
        f"{name}:{','.join(map(str, words))}"
        for name, words in zip(CORNERS, ARGUMENTS, strict=True)
    ]
    return node(*calls, module=work_module()).strip()


def digest(data: bytes) -> str:
    """The first twelve hexadecimal digits of a SHA-256."""
    return hashlib.sha256(data).hexdigest()[:12]
