"""What the kernel itself spends on a group of processes: stacks, page tables, namespaces, sockets.

No process owns this memory, so no PSS shows it. A memory control group counts it.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from types import TracebackType

from virtlab import leftovers, probes


class KernelMemory:
    """A memory control group below the caller's own, into which a process is moved for a while.

    What the process starts meanwhile is counted, too. A context manager: at its end the process is
    moved back and the group is removed. Where no such group can be made, `why_not` says why and
    `used` knows nothing.

    Args:
        pid: the process to move.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.why_not = "no memory controller in this user's reach"
        self._home: Path | None = None
        self._group: Path | None = None

    def used(self) -> int | None:
        """How many bytes of kernel memory the group is charged now; None if that is not known."""
        if self._group is None:
            return None
        try:
            if (self._group / "memory.kmem.usage_in_bytes").exists():
                return int((self._group / "memory.kmem.usage_in_bytes").read_text())
            for line in (self._group / "memory.stat").read_text().splitlines():
                name, amount = line.split()
                if name == "kernel":
                    return int(amount)
        except (OSError, ValueError):
            pass
        return None

    def __enter__(self) -> KernelMemory:
        for controllers, folder in _own_groups():
            if controllers and "memory" not in controllers:
                continue
            group = folder / f"{leftovers.owned_name()}-memory"
            try:
                group.mkdir()
                self._home, self._group = folder, group
                if self.used() is not None:
                    (group / "cgroup.procs").write_text(str(self.pid))
                    return self
                self._remove()
            except OSError as error:
                self.why_not = error.strerror or str(error)
                self._remove()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._remove()

    def _remove(self) -> None:
        if self._group is None or self._home is None:
            return
        for member in _members(self._group):
            with contextlib.suppress(OSError):  # it may have ended by now
                (self._home / "cgroup.procs").write_text(str(member))
        with contextlib.suppress(OSError):
            self._group.rmdir()
        self._group = None


def _members(group: Path) -> list[int]:
    try:
        return [int(line) for line in (group / "cgroup.procs").read_text().split()]
    except OSError:
        return []


def _own_groups() -> list[tuple[list[str], Path]]:
    try:
        return probes.own_cgroups()
    except OSError:
        return []
