"""Threads and processes: the same kernel, nothing of its own but (for a process) its memory."""

import sys
from collections.abc import Sequence
from typing import Any

from virtlab.runtimes.base import RuntimeFailed
from virtlab.runtimes.launched import LaunchedRuntime, recipe
from virtlab.runtimes.launcher import Launcher, warm_launcher


class Thread(LaunchedRuntime):
    """A second thread of the launcher's own process."""

    name = "thread"
    kind = "thread"
    describe = "a thread in a process that already runs"

    def spec(self, launcher: Launcher, command: Sequence[str] | None) -> dict[str, Any]:
        """How the launcher starts it."""
        if command is not None:
            raise RuntimeFailed("thread: a thread runs no program of its own; give no command")
        return recipe(launcher, "thread", clock="timespec")


class _FromParent(LaunchedRuntime):
    """A process whose parent may be made as large as programs that start others often are.

    Args:
        ballast_mib: memory that the parent holds besides its own few megabytes.
    """

    def __init__(self, ballast_mib: int = 0) -> None:
        self.ballast_mib = ballast_mib

    def launcher(self) -> Launcher:
        """The usual one, or one of the size that was asked for."""
        if not self.ballast_mib:
            return warm_launcher()
        return warm_launcher(f"{self.ballast_mib} MiB", ballast_mib=self.ballast_mib)


class Fork(_FromParent):
    """A copy of the launcher that goes on with the launcher's own program."""

    name = "fork"
    kind = "process"
    describe = "a copy of a small process, by fork"

    def spec(self, launcher: Launcher, command: Sequence[str] | None) -> dict[str, Any]:
        """How the launcher starts it."""
        if command is not None:
            raise RuntimeFailed("fork: without exec it runs no other program; give no command")
        return recipe(launcher, "fork", clock="timespec")


class PosixSpawn(_FromParent):
    """A process made and given its program in one call."""

    name = "posix_spawn"
    kind = "process"
    describe = "a process, by posix_spawn"

    def spec(self, launcher: Launcher, command: Sequence[str] | None) -> dict[str, Any]:
        """How the launcher starts it."""
        if command is None:
            return recipe(launcher, "spawn", [f"{launcher.root}/payload"], clock="timespec")
        return recipe(launcher, "spawn", command)


class Subprocess(LaunchedRuntime):
    """A process as Python programs usually make one."""

    name = "subprocess"
    kind = "process"
    describe = "a process, by Python's subprocess module"
    tried = False  # a launcher of its own, for what posix_spawn has shown to work

    def launcher(self) -> Launcher:
        """One of its own, which has the module imported."""
        return warm_launcher("subprocess")

    def spec(self, launcher: Launcher, command: Sequence[str] | None) -> dict[str, Any]:
        """How the launcher starts it."""
        if command is None:
            return recipe(launcher, "subprocess", [f"{launcher.root}/payload"], clock="timespec")
        return recipe(launcher, "subprocess", command)


class Python(LaunchedRuntime):
    """A Python interpreter; its first instruction is the first line of the program."""

    name = "python"
    kind = "language"
    describe = "a Python interpreter with nothing imported"
    program = "import time, sys; print(time.monotonic_ns(), flush=True); sys.stdin.read(1)"

    def spec(self, launcher: Launcher, command: Sequence[str] | None) -> dict[str, Any]:
        """How the launcher starts it; a command is what follows `python -I -S`."""
        arguments = list(command) if command is not None else ["-c", self.program]
        clock = "text" if command is None else ""
        return recipe(launcher, "spawn", [sys.executable, "-I", "-S", *arguments], clock=clock)
