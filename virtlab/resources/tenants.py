"""Tenants of one machine: small worker processes that start together and report what they got."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any

from virtlab.interrupts import uninterrupted
from virtlab.leftovers import OWNER_VARIABLE, owner_mark
from virtlab.resources.cgroups import NoCgroup, group
from virtlab.runtimes.base import RuntimeFailed

PROGRAM = Path(__file__).with_name("tenant.py")
START_DELAY_NS = 30_000_000
PATIENCE_S = 30.0


class Tenants:
    """Worker processes, one a task, ready to start at the same moment; gone when the block ends.

    Args:
        tasks: what each is to do, as `tenant.py` reads it.
        together: put all into one control group that outweighs the rest of the machine, where this
            user may make one; what else runs on their core then disturbs little.

    Example:
        with Tenants([{"task": "calibrate"}]) as tenants:
            result, = tenants.go()
    """

    def __init__(self, tasks: Sequence[Mapping[str, Any]], *, together: bool = False) -> None:
        self.tasks = [dict(task) for task in tasks]
        self.together = together
        self._processes: list[subprocess.Popen[str]] = []
        self._stack = ExitStack()

    @property
    def pids(self) -> list[int]:
        """The process ids, in the order of the tasks."""
        return [process.pid for process in self._processes]

    def __enter__(self) -> Tenants:
        try:
            for task in self.tasks:
                with uninterrupted():  # else one that has just started would be nobody's
                    self._processes.append(_start(task))
            for process in self._processes:
                _read(process)
            if self.together:
                self._outweigh()
        except BaseException:
            with uninterrupted():
                self._end()
            raise
        return self

    def _outweigh(self) -> None:
        try:
            outer = self._stack.enter_context(group("cpu"))
        except NoCgroup:
            return
        outer.set_cpu_weight(10_000)
        own = outer.child("tenants")
        for pid in self.pids:
            own.add(pid)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with uninterrupted():
            self._end()

    def go(self, may_die: bool = False) -> list[dict[str, Any]]:
        """Start all tenants at one moment, wait for all, and return their results in order.

        Args:
            may_die: a tenant may be killed; its result is then `{"killed": signal number}`.

        Raises:
            RuntimeFailed: if a tenant dies before it answers and may not.
        """
        self.begin()
        return self.results(may_die)

    def results(self, may_die: bool = False) -> list[dict[str, Any]]:
        """Wait for all tenants that `begin` started, and return their results as `go` does."""
        return [self._result(process, may_die) for process in self._processes]

    def begin(self) -> None:
        """Tell all tenants to start at one moment, and do not wait for them."""
        start = time.monotonic_ns() + START_DELAY_NS
        for process in self._processes:
            assert process.stdin
            process.stdin.write(f"{start}\n")
            process.stdin.flush()

    def _result(self, process: subprocess.Popen[str], may_die: bool) -> dict[str, Any]:
        try:
            return dict(json.loads(_read(process)))
        except RuntimeFailed:
            if may_die and process.returncode and process.returncode < 0:
                return {"killed": -process.returncode}
            raise

    def _end(self) -> None:
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait()
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe:
                    with suppress(OSError):  # what the tenant never read
                        pipe.close()
        self._stack.close()


def one_core() -> int:
    """Return the core that contending tenants are pinned to: the last one this process may use."""
    return max(os.sched_getaffinity(0))


@cache
def unit_seconds() -> float:
    """Return the CPU seconds that one unit of a tenant's work costs here, measured once."""
    with Tenants([{"task": "calibrate", "core": one_core()}]) as tenants:
        return float(tenants.go()[0]["unit_s"])


def _start(task: Mapping[str, Any]) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", str(PROGRAM)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {OWNER_VARIABLE: owner_mark()},
    )
    assert process.stdin
    process.stdin.write(json.dumps(task) + "\n")
    process.stdin.flush()
    return process


def _read(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    line = process.stdout.readline()
    if not line:
        assert process.stderr
        complaint = process.stderr.read()
        process.wait(PATIENCE_S)
        last = complaint.strip().rsplit("\n", 1)[-1]
        raise RuntimeFailed(f"a tenant died with status {process.returncode}: {last or 'no word'}")
    return line
