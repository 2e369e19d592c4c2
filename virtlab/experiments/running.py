"""What several chapters' experiments run: launched runtimes, small programs, QEMU's disk tools."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from virtlab import leftovers
from virtlab.host import find_tool
from virtlab.interrupts import uninterrupted
from virtlab.registry import CannotMeasure
from virtlab.runtimes import RUNTIMES, RuntimeFailed
from virtlab.runtimes.launched import LaunchedRuntime

PROGRAMS = Path(__file__).parent / "programs"
PATIENCE_S = 60


def launched(name: str) -> LaunchedRuntime:
    """The runtime of this name, one that a launcher starts."""
    runtime = RUNTIMES[name]
    assert isinstance(runtime, LaunchedRuntime)
    return runtime


def output_of(runtime: LaunchedRuntime, command: Sequence[str]) -> str:
    """Run a command to its end and return what it printed.

    Raises:
        RuntimeFailed: it did not run, or printed nothing.
    """
    life = runtime.lives(1, command)[0]
    if not life["output"]:
        said = str(life.get("errors", "")).strip().splitlines() or [f"status {life['status']}"]
        raise RuntimeFailed(f"{runtime.name}: {said[-1]}")
    return str(life["output"]).replace("\r", "").strip()


def program(name: str, *arguments: object, packages: bool = False) -> list[str]:
    """The command line of one of the small programs in `programs/`.

    Args:
        name: its file.
        arguments: written as text.
        packages: it needs installed packages; without, it starts sooner.
    """
    isolated = ("-I",) if packages else ("-I", "-S")
    return [sys.executable, *isolated, str(PROGRAMS / name), *map(str, arguments)]


def run_program(name: str, *arguments: object, given: str = "", packages: bool = False) -> Any:
    """Run one of the small programs in `programs/`; return the JSON that it prints.

    Args:
        name: its file.
        arguments: written as text.
        given: its standard input.
        packages: it needs installed packages; without, it starts sooner.

    Raises:
        CannotMeasure: it failed (with its last line), printed nothing, or did not end.
    """
    try:
        done = subprocess.run(
            program(name, *arguments, packages=packages),
            input=given,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            env={**os.environ, leftovers.OWNER_VARIABLE: leftovers.owner_mark()},
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CannotMeasure(f"{name} did not end in time") from None
    if done.returncode != 0 or not done.stdout:
        raise CannotMeasure(done.stderr.strip().rsplit("\n", 1)[-1] or f"{name} died")
    return json.loads(done.stdout)


def start(command: Sequence[str], pass_fds: Sequence[int] = ()) -> subprocess.Popen[str]:
    """Start a program that stays, with pipes to it and our mark on it; `end` ends it."""
    with uninterrupted():
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            pass_fds=pass_fds,
            env={**os.environ, leftovers.OWNER_VARIABLE: leftovers.owner_mark()},
        )


def tell(process: subprocess.Popen[str], line: str) -> None:
    """Write a line to a program; if it has died, the next `line_of` says so."""
    assert process.stdin
    with suppress(BrokenPipeError):
        process.stdin.write(line + "\n")
        process.stdin.flush()


def line_of(process: subprocess.Popen[str], who: str = "a program of ours") -> str:
    """Read a line that a program must say.

    Args:
        process: the program.
        who: what it is called in the error.

    Raises:
        RuntimeFailed: it died; with its last words.
    """
    assert process.stdout
    if line := process.stdout.readline():
        return line
    raise RuntimeFailed(f"{who} died: {last_words(process)}")


def last_words(process: subprocess.Popen[str]) -> str:
    """The last line of what a program complained about; call it when it has died."""
    assert process.stderr
    return process.stderr.read().strip().rsplit("\n", 1)[-1] or "it said nothing"


def end(process: subprocess.Popen[str]) -> None:
    """End a program: its input closes, and if that does not help, it is killed."""
    with uninterrupted():
        with suppress(OSError):
            if process.stdin:
                process.stdin.close()
        try:
            process.wait(2)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe:
                pipe.close()


def kill(process: subprocess.Popen[str]) -> None:
    """End a program at once, whatever it is at."""
    with uninterrupted():
        process.kill()
        end(process)


def qemu_img(*words: object) -> str:
    """Run QEMU's tool for disk images; return what it prints.

    Raises:
        CannotMeasure: it is not installed.
        RuntimeFailed: it failed.
    """
    return _disk_tool("qemu-img", *words)


def qemu_io(disk: Path, command: str, kind: str = "qcow2") -> str:
    """Read or write a disk image as a guest would; return what the tool prints.

    Bytes that differ from those to be verified are an answer, not a failure.

    Raises:
        CannotMeasure: the tool is not installed.
        RuntimeFailed: it failed.
    """
    return _disk_tool("qemu-io", "-f", kind, "-c", command, disk)


def _disk_tool(name: str, *words: object) -> str:
    program = find_tool(name)
    if program is None:
        raise CannotMeasure(f"no {name} here; apt-get install qemu-utils")
    try:
        done = subprocess.run(
            [program, *map(str, words)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise RuntimeFailed(f"{name}: {error}") from None
    if done.returncode != 0 and "verification failed" not in done.stdout:
        said = " ".join((done.stdout + done.stderr).split())
        raise RuntimeFailed(f"{name}: {said or f'status {done.returncode}'}")
    return done.stdout
