"""What every way to run a program has in common."""

import functools
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from virtlab.errors import RuntimeFailed
from virtlab.host import Capability
from virtlab.syscalls import may_administer

__all__ = ["BOUNDARIES", "Capability", "Instance", "Runtime", "RuntimeFailed"]

# The named ends of the stopwatch, in the order in which a life reaches them.
BOUNDARIES = ("call", "first_instruction", "first_reply", "gone")


class Instance(ABC):
    """A running thread, process, container or machine. A context manager: gone after it.

    Attributes:
        stamps: CLOCK_MONOTONIC in nanoseconds at each boundary that was reached, by name.
        output: what the program wrote, where it was not the payload's own time stamp.
        pid: the process that holds it, as the host sees it; 0 if it has none of its own.
    """

    def __init__(self, stamps: dict[str, int], output: str = "", pid: int = 0) -> None:
        self.stamps = stamps
        self.output = output
        self.pid = pid

    @abstractmethod
    def stop(self) -> None:
        """Ends it and waits until it is gone; the second time does nothing."""

    def memory(self) -> int | None:
        """The memory it holds in bytes (PSS: shared pages count in shares), None if not known."""
        return pss_with_children(self.pid) if self.pid else None

    def __enter__(self) -> "Instance":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


class Runtime(ABC):
    """One way to run a program.

    Attributes:
        name: as in `RUNTIMES`.
        kind: "thread", "process", "container", "vm", "language" or "emulator".
        accelerator: what executes a guest's instructions; "" where there is no guest.
        describe: one line for people.
    """

    name: str
    kind: str
    describe: str
    accelerator: str = ""

    @functools.cached_property
    def _available(self) -> Capability:
        return self.look()

    def available(self) -> Capability:
        """Whether it works here, why not, and what to do about it; looked once a process."""
        return self._available

    @abstractmethod
    def look(self) -> Capability:
        """Finds out whether it works here."""

    @abstractmethod
    def start(self, command: Sequence[str] | None = None) -> Instance:
        """Starts `command`, or a payload that stamps the time and waits, and returns it running.

        Raises:
            RuntimeFailed: it did not start.
        """

    def run_many(self, count: int, command: Sequence[str] | None = None) -> list[dict[str, int]]:
        """Starts `count` at once and waits for the end of each; returns the stamps of each.

        Raises:
            RuntimeFailed: one of them did not live as it should.
        """
        instances: list[Instance] = []
        try:
            for _ in range(count):
                instances.append(self.start(command))
        finally:
            for instance in instances:
                instance.stop()
        return [instance.stamps for instance in instances]

    def run(self, command: Sequence[str] | None = None) -> dict[str, int]:
        """Lives one whole life: start, first reply, end; returns the stamps.

        Raises:
            RuntimeFailed: it did not live as it should.
        """
        return self.run_many(1, command)[0]

    def __repr__(self) -> str:
        return f"<{self.name}: {self.describe}>"


def pss_with_children(pid: int) -> int | None:
    """The proportional set size of a process and all below it, in bytes; None if not readable."""
    try:
        total = _pss(pid)
        for thread in Path(f"/proc/{pid}/task").iterdir():
            for child in (thread / "children").read_text().split():
                total += pss_with_children(int(child)) or 0
    except OSError:
        return None
    return total


def _pss(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise OSError(f"no PSS for process {pid}")


def is_root() -> bool:
    """Whether this process may do what only root may."""
    return may_administer()
