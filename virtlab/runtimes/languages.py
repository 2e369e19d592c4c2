"""Virtual machines for languages: a program for a processor that was never built."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from virtlab import host
from virtlab.host import find_tool
from virtlab.runtimes.launched import LaunchedRuntime, recipe
from virtlab.runtimes.launcher import Launcher

_PAYLOADS = Path(__file__).with_name("payloads")


class Jvm(LaunchedRuntime):
    """A Java virtual machine; a command is what follows `java`."""

    name = "jvm"
    kind = "language"
    describe = "a Java virtual machine"
    needs = (host.java.probe,)
    tried = False  # to ask for its version is to start one

    def spec(self, launcher: Launcher, command: Sequence[str] | None) -> dict[str, Any]:
        """How the launcher starts it."""
        arguments = list(command) if command else ["-cp", str(_PAYLOADS), "Stamp"]
        clock = "" if command else "text"
        return recipe(launcher, "spawn", [find_tool("java") or "java", *arguments], clock=clock)


class Clr(LaunchedRuntime):
    """A Common Language Runtime, by Mono; a command is what follows `mono`."""

    name = "clr"
    kind = "language"
    describe = "a Common Language Runtime, by Mono"
    needs = (host.mono.probe,)
    tried = False  # to ask for its version is to start one

    def spec(self, launcher: Launcher, command: Sequence[str] | None) -> dict[str, Any]:
        """How the launcher starts it."""
        arguments = list(command) if command else [str(_PAYLOADS / "Stamp.exe")]
        clock = "" if command else "text"
        return recipe(launcher, "spawn", [find_tool("mono") or "mono", *arguments], clock=clock)
