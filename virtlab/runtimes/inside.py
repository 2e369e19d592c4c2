"""Runtimes whose guests live inside a process: the launcher itself is their monitor or engine.

Each has a launcher of its own, with its engine imported and warm. A module names its guest `Guest`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

from virtlab.runtimes.base import Instance, RuntimeFailed, pss_with_children
from virtlab.runtimes.launched import LaunchedInstance, LaunchedRuntime, recipe
from virtlab.runtimes.launcher import Launcher, warm_launcher


class InsideGuest(ABC):
    """One guest, made before the stopwatch starts."""

    @abstractmethod
    def live(
        self,
        say: Callable[[bytes], int],
        wait: Callable[[], bytes],
        stamp: Callable[[str], None],
    ) -> None:
        """Starts the guest, lets it `say` its first reply, then `wait`s for its end and ends it.

        Args:
            say: writes the guest's output.
            wait: returns when the guest shall end.
            stamp: takes the time of a phase, by name.
        """

    def stop(self) -> None:
        """Called from another thread: makes `live` return."""
        return


class InsideRuntime(LaunchedRuntime):
    """A runtime whose guests live inside its launcher.

    Attributes:
        packages: whether the engine is an installed package.
        clock: how the guest tells its first instruction's time, as in the helper.
        reply: what its first reply contains.
    """

    packages: bool = False
    clock: str = ""
    reply: str = ""

    def launcher(self) -> Launcher:
        """One of its own, with the engine warm."""
        return warm_launcher(self.name, packages=self.packages)

    def spec(self, launcher: Launcher, command: Sequence[str] | None) -> dict[str, Any]:
        """How the launcher starts it."""
        if command is not None:
            raise RuntimeFailed(f"{self.name}: it runs no program of the host; give no command")
        module = type(self).__module__
        return recipe(launcher, "inside", module=module, clock=self.clock, reply=self.reply)

    def start(self, command: Sequence[str] | None = None) -> Instance:
        """Has the launcher start one and hold it."""
        launcher = self.launcher()
        told = self.ask(launcher, {"op": "start", "spec": self.spec(launcher, command)})
        return InsideInstance(self, launcher, told)


class InsideInstance(LaunchedInstance):
    """A guest inside its launcher's process."""

    def memory(self) -> int | None:
        """The memory of the engine's process with all its guests (PSS, bytes)."""
        return pss_with_children(self._launcher.pid)
