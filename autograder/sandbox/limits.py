"""Limits on one process of a room: rlimits, and a memory cgroup where the caller may make one."""

from __future__ import annotations

import contextlib
import functools
import os
import resource
from pathlib import Path

from autograder.cells import Limits


def own_address_space() -> int:
    """Bytes of address space that this process has now."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * os.sysconf("SC_PAGE_SIZE")


def apply(limits: Limits, address_space: int) -> None:
    """Put this process, and each that it starts, under `limits`.

    Args:
        limits: What the room may use.
        address_space: Bytes of address space of the warm process, which are not the student's.
    """
    memory = address_space + limits.memory_bytes
    for kind, value in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, limits.cpu_s),
        (resource.RLIMIT_NPROC, limits.processes),
        (resource.RLIMIT_FSIZE, limits.file_bytes),
        (resource.RLIMIT_NOFILE, limits.open_files),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
        (resource.RLIMIT_SIGPENDING, 256),
        (resource.RLIMIT_STACK, 8 * 1024 * 1024),
    ):
        _, hard = resource.getrlimit(kind)
        ceiling = value if hard == resource.RLIM_INFINITY else min(value, hard)
        # One second between the soft and the hard limit lets Python say which limit it was.
        top = ceiling + 1 if kind == resource.RLIMIT_CPU and hard < 0 else ceiling
        resource.setrlimit(kind, (ceiling, top))


def processes_below(pid: int) -> list[int]:
    """`pid` and all its descendants, as far as /proc tells."""
    found = [pid]
    for parent in found:
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{parent}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
    return found


def memory_of(pids: list[int]) -> int:
    """Bytes of memory that these processes use together, shared pages counted once."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError, ValueError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
                    break
    return total


class MemoryGroup:
    """A memory cgroup for one room; where none can be made, `folder` is None and it does nothing.

    The warm process's pages are charged to the group that it started in, so that only what a room
    adds counts here.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder

    @classmethod
    def make(cls, name: str, limit_bytes: int, pid: int) -> MemoryGroup:
        """Make a group below the caller's own, if the host lets us, and move `pid` into it."""
        parent = own_group()
        if parent is None:
            return cls(None)
        group = cls(parent / name)
        assert group.folder is not None
        try:
            group.folder.mkdir()
            version_1 = (group.folder / "memory.limit_in_bytes").exists()
            limit = "memory.limit_in_bytes" if version_1 else "memory.max"
            (group.folder / limit).write_text(str(limit_bytes))
            for file in ("memory.memsw.limit_in_bytes", "memory.swap.max"):
                with contextlib.suppress(OSError):
                    (group.folder / file).write_text(str(limit_bytes) if version_1 else "0")
            (group.folder / "cgroup.procs").write_text(str(pid))
        except OSError:
            group.remove()
        return group

    def remove(self) -> None:
        """Take the group away; all its processes must be gone."""
        if self.folder is not None:
            with contextlib.suppress(OSError):
                self.folder.rmdir()
            self.folder = None


@functools.cache
def own_group() -> Path | None:
    """The folder of the caller's own memory cgroup, or None where it cannot make one below."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if "memory" in controllers.split(","):
            folder = Path("/sys/fs/cgroup/memory") / path.lstrip("/")
        elif controllers == "":
            folder = Path("/sys/fs/cgroup") / path.lstrip("/")
            control = folder / "cgroup.subtree_control"
            try:
                if "memory" not in control.read_text().split():
                    continue
            except OSError:
                continue
        else:
            continue
        if os.access(folder, os.W_OK):
            return folder
    return None
