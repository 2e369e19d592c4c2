"""Memory that is shared, counted once: PSS, and the kernel's same-page merging (KSM)."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from virtlab.interrupts import uninterrupted
from virtlab.runtimes.base import RuntimeFailed

KSM = Path("/sys/kernel/mm/ksm")


@dataclass(frozen=True)
class Memory:
    """What processes hold, in bytes.

    Attributes:
        rss: resident: every page counts in full for each process that maps it.
        pss: proportional: a page that n processes map counts 1/n for each, so that sums are right.
        private: pages that this process alone maps.
    """

    rss: int
    pss: int
    private: int

    def __add__(self, other: Memory) -> Memory:
        return Memory(self.rss + other.rss, self.pss + other.pss, self.private + other.private)


def memory_of(pids: Iterable[int], proc: Path = Path("/proc")) -> Memory:
    """Return the memory of processes together, from `smaps_rollup`.

    Raises:
        RuntimeFailed: if a process is gone or another user's.
    """
    total = Memory(0, 0, 0)
    for pid in pids:
        try:
            lines = (proc / str(pid) / "smaps_rollup").read_text().splitlines()
        except OSError as error:
            raise RuntimeFailed(f"the memory of process {pid}: {error.strerror}") from None
        fields = {
            name: int(rest.split()[0]) * 1024
            for name, _, rest in (line.partition(":") for line in lines[1:])
        }
        private = fields["Private_Clean"] + fields["Private_Dirty"]
        total += Memory(fields["Rss"], fields["Pss"], private)
    return total


@contextmanager
def merging(folder: Path = KSM) -> Iterator[None]:
    """Let KSM look for equal pages, quickly; restore its settings after it.

    The settings are the machine's, so one measurement at a time may change them; another waits.

    Raises:
        RuntimeFailed: if this user may not, or the kernel has no KSM.
    """
    wanted = {"sleep_millisecs": "2", "pages_to_scan": "20000", "run": "1"}
    with ExitStack() as stack:
        try:
            turn = stack.enter_context((folder / "run").open())
            fcntl.flock(turn, fcntl.LOCK_EX)
            for name, value in wanted.items():
                before = (folder / name).read_text().strip()
                stack.callback(_restore, folder / name, before)
                (folder / name).write_text(value)
        except OSError as error:
            raise RuntimeFailed(f"KSM cannot be turned on: {error.strerror}; run as root") from None
        yield


def _restore(setting: Path, value: str) -> None:
    with uninterrupted():
        setting.write_text(value)


def await_merging(pids: Iterable[int], enough: int, patience_s: float) -> None:
    """Wait until the processes' PSS has fallen to so many bytes, or for so long.

    The kernel's own counters will not do: they count the pages of the whole machine.
    """
    waited_for = list(pids)
    deadline = time.monotonic() + patience_s
    while memory_of(waited_for).pss > enough and time.monotonic() < deadline:
        time.sleep(0.05)
