"""Control groups, version 1 and 2, behind one interface.

A group is made under the caller's own control group and is gone after its `with` block, with every
process that was put into it. Weights, limits and counters have one unit each, whatever the kernel's
version calls them.
"""

from __future__ import annotations

import os
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import NamedTuple

from virtlab.interrupts import uninterrupted
from virtlab.leftovers import owned_name
from virtlab.runtimes.base import RuntimeFailed

CONTROLLERS = frozenset({"cpu", "cpuset", "memory", "pids", "io", "freezer"})
# What version 1 calls them; its accounting of CPU time is a controller of its own.
_IN_VERSION_1 = {"cpu": ("cpu", "cpuacct"), "io": ("blkio",)}
_REMOVAL_PATIENCE_S = 5.0
_numbers = count(1)


class NoCgroup(RuntimeFailed):
    """No control group can be made, or a limit cannot be set; the message is one line."""


class Throttling(NamedTuple):
    """How often a quota stopped a group: periods with work, those cut short, and the wait in ms."""

    periods: int
    throttled: int
    throttled_ms: float


class Group(ABC):
    """One control group.

    Attributes:
        folders: for each controller the folder whose files control the group.
        version: of the kernel's interface, 1 or 2.
    """

    version: int

    def __init__(self, folders: Mapping[str, Path]) -> None:
        self.folders = dict(folders)

    @property
    def places(self) -> list[Path]:
        """The folders of the group, each once."""
        return list(dict.fromkeys(self.folders.values()))

    def child(self, name: str) -> Group:
        """Make a group inside this one; it goes with this one."""
        for place in self.places:
            _make(place / name)
        return type(self)({key: place / name for key, place in self.folders.items()})

    def add(self, pid: int) -> None:
        """Put a process into the group."""
        for place in self.places:
            _write(place / "cgroup.procs", pid)

    def pids(self) -> set[int]:
        """Return the processes in the group itself."""
        found = set()
        for place in self.places:
            found |= {int(word) for word in _read(place / "cgroup.procs").split()}
        return found

    def remove(self) -> None:
        """End all processes in the group and below it, and remove it; one that is gone is fine."""
        children = {path.name for place in self.places for path in _subfolders(place)}
        for name in sorted(children):
            type(self)({key: place / name for key, place in self.folders.items()}).remove()
        if "freezer" in self.folders and self.folders["freezer"].is_dir():
            self.thaw()  # a frozen process does not die
        for pid in self.pids():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for place in self.places:
            _remove(place)

    def _file(self, controller: str, name: str) -> Path:
        if controller not in self.folders:
            raise NoCgroup(f"this control group was made without the {controller!r} controller")
        return self.folders[controller] / name

    @abstractmethod
    def set_cpu_weight(self, weight: int) -> None:
        """Set the share of CPU time among siblings that want it: 1 to 10,000, 100 by default."""

    @abstractmethod
    def set_cpu_quota(self, cores: float | None, period_ms: float = 100.0) -> None:
        """Allow at most `cores` times the period of CPU time in each period; None lifts the cap."""

    @abstractmethod
    def set_cores(self, cores: Iterable[int]) -> None:
        """Let the group run on these cores only."""

    @abstractmethod
    def set_memory_limit(self, size: int) -> None:
        """Allow at most so many bytes of memory, and no swap."""

    @abstractmethod
    def set_pids_limit(self, most: int) -> None:
        """Allow at most so many processes and threads."""

    @abstractmethod
    def set_io_limit(
        self, device: str, read_bps: int | None = None, write_bps: int | None = None
    ) -> None:
        """Limit a disk, named `major:minor`, in bytes a second; None leaves a direction free."""

    @abstractmethod
    def freeze(self) -> None:
        """Stop every process of the group and wait until all stand still."""

    @abstractmethod
    def thaw(self) -> None:
        """Let the processes of the group go on."""

    @abstractmethod
    def cpu_seconds(self) -> float:
        """Return the CPU time used by the group so far."""

    @abstractmethod
    def throttling(self) -> Throttling:
        """Return how often the quota stopped the group so far."""

    @abstractmethod
    def memory_bytes(self) -> int:
        """Return the memory charged to the group now, its page cache and kernel memory included."""

    @abstractmethod
    def kernel_memory_bytes(self) -> int:
        """Return what the kernel itself holds for the group: stacks, page tables, namespaces."""

    @abstractmethod
    def memory_peak_bytes(self) -> int | None:
        """Return the most memory that was charged; None where the kernel does not tell."""

    @abstractmethod
    def oom_kills(self) -> int:
        """Return how many processes the kernel killed for want of memory within the limit."""

    @abstractmethod
    def pids_refused(self) -> int:
        """Return how often a new process or thread was refused."""

    def _await(self, file: Path, word: str) -> None:
        deadline = time.monotonic() + _REMOVAL_PATIENCE_S
        while word not in _read(file).split("\n"):
            if time.monotonic() > deadline:
                raise NoCgroup(f"{file}: the group did not become {word!r}")
            time.sleep(0.001)


class GroupV1(Group):
    """A control group of version 1: a folder in each controller's own tree."""

    version = 1

    def child(self, name: str) -> Group:
        """Make a group inside this one; it goes with this one."""
        made = super().child(name)
        if "cpuset" in self.folders:  # a new group has no cores until it is given some
            for file in ("cpuset.cpus", "cpuset.mems"):
                _write(made._file("cpuset", file), _read(self._file("cpuset", file)).strip())
        return made

    def set_cpu_weight(self, weight: int) -> None:
        """Set `cpu.shares`, whose default of 1024 is the weight 100."""
        _write(self._file("cpu", "cpu.shares"), round(_checked_weight(weight) * 1024 / 100))

    def set_cpu_quota(self, cores: float | None, period_ms: float = 100.0) -> None:
        """Set `cpu.cfs_quota_us` of `cpu.cfs_period_us`."""
        _write(self._file("cpu", "cpu.cfs_period_us"), round(period_ms * 1000))
        quota = -1 if cores is None else round(cores * period_ms * 1000)
        _write(self._file("cpu", "cpu.cfs_quota_us"), quota)

    def set_cores(self, cores: Iterable[int]) -> None:
        """Set `cpuset.cpus`."""
        _write(self._file("cpuset", "cpuset.cpus"), ",".join(map(str, cores)))

    def set_memory_limit(self, size: int) -> None:
        """Set `memory.limit_in_bytes`, and the sum with swap to the same."""
        _write(self._file("memory", "memory.limit_in_bytes"), size)
        with_swap = self._file("memory", "memory.memsw.limit_in_bytes")
        if with_swap.exists():
            _write(with_swap, size)

    def set_pids_limit(self, most: int) -> None:
        """Set `pids.max`."""
        _write(self._file("pids", "pids.max"), most)

    def set_io_limit(
        self, device: str, read_bps: int | None = None, write_bps: int | None = None
    ) -> None:
        """Set `blkio.throttle.*`, which binds direct I/O only: version 1 cannot tell whose page
        cache is written back.
        """
        for name, limit in (("read", read_bps), ("write", write_bps)):
            if limit is not None:
                file = self._file("io", f"blkio.throttle.{name}_bps_device")
                _write(file, f"{device} {limit}")

    def freeze(self) -> None:
        """Set `freezer.state` and wait for FROZEN."""
        state = self._file("freezer", "freezer.state")
        _write(state, "FROZEN")
        self._await(state, "FROZEN")

    def thaw(self) -> None:
        """Set `freezer.state`."""
        _write(self._file("freezer", "freezer.state"), "THAWED")

    def cpu_seconds(self) -> float:
        """Read `cpuacct.usage`."""
        return int(_read(self._file("cpuacct", "cpuacct.usage"))) / 1e9

    def throttling(self) -> Throttling:
        """Read `cpu.stat`."""
        counters = _counters(self._file("cpu", "cpu.stat"))
        return Throttling(
            counters["nr_periods"], counters["nr_throttled"], counters["throttled_time"] / 1e6
        )

    def memory_bytes(self) -> int:
        """Read `memory.usage_in_bytes`."""
        return int(_read(self._file("memory", "memory.usage_in_bytes")))

    def kernel_memory_bytes(self) -> int:
        """Read `memory.kmem.usage_in_bytes`."""
        told = _read(self._file("memory", "memory.kmem.usage_in_bytes"))
        if not told:
            raise NoCgroup("this kernel does not account its own memory to control groups")
        return int(told)

    def memory_peak_bytes(self) -> int | None:
        """Read `memory.max_usage_in_bytes`."""
        return int(_read(self._file("memory", "memory.max_usage_in_bytes")))

    def oom_kills(self) -> int:
        """Read `memory.oom_control`."""
        return _counters(self._file("memory", "memory.oom_control")).get("oom_kill", 0)

    def pids_refused(self) -> int:
        """Read `pids.events`."""
        return _counters(self._file("pids", "pids.events")).get("max", 0)


class GroupV2(Group):
    """A control group of version 2: one folder for all controllers."""

    version = 2

    def set_cpu_weight(self, weight: int) -> None:
        """Set `cpu.weight`."""
        _write(self._file("cpu", "cpu.weight"), _checked_weight(weight))

    def set_cpu_quota(self, cores: float | None, period_ms: float = 100.0) -> None:
        """Set `cpu.max`."""
        quota = "max" if cores is None else round(cores * period_ms * 1000)
        _write(self._file("cpu", "cpu.max"), f"{quota} {round(period_ms * 1000)}")

    def set_cores(self, cores: Iterable[int]) -> None:
        """Set `cpuset.cpus`."""
        _write(self._file("cpuset", "cpuset.cpus"), ",".join(map(str, cores)))

    def set_memory_limit(self, size: int) -> None:
        """Set `memory.max`, and `memory.swap.max` to nothing."""
        _write(self._file("memory", "memory.max"), size)
        swap = self._file("memory", "memory.swap.max")
        if swap.exists():
            _write(swap, 0)

    def set_pids_limit(self, most: int) -> None:
        """Set `pids.max`."""
        _write(self._file("pids", "pids.max"), most)

    def set_io_limit(
        self, device: str, read_bps: int | None = None, write_bps: int | None = None
    ) -> None:
        """Set `io.max`."""
        limits = [
            f"{name}={limit}"
            for name, limit in (("rbps", read_bps), ("wbps", write_bps))
            if limit is not None
        ]
        _write(self._file("io", "io.max"), " ".join([device, *limits]))

    def freeze(self) -> None:
        """Set `cgroup.freeze` and wait until `cgroup.events` says frozen."""
        place = self.places[0]
        _write(place / "cgroup.freeze", 1)
        self._await(place / "cgroup.events", "frozen 1")

    def thaw(self) -> None:
        """Set `cgroup.freeze`."""
        _write(self.places[0] / "cgroup.freeze", 0)

    def cpu_seconds(self) -> float:
        """Read `cpu.stat`."""
        return _counters(self._file("cpu", "cpu.stat"))["usage_usec"] / 1e6

    def throttling(self) -> Throttling:
        """Read `cpu.stat`."""
        counters = _counters(self._file("cpu", "cpu.stat"))
        return Throttling(
            counters["nr_periods"], counters["nr_throttled"], counters["throttled_usec"] / 1e3
        )

    def memory_bytes(self) -> int:
        """Read `memory.current`."""
        return int(_read(self._file("memory", "memory.current")))

    def kernel_memory_bytes(self) -> int:
        """Read `kernel` in `memory.stat`, or the sum of its parts on older kernels."""
        told = _counters(self._file("memory", "memory.stat"))
        parts = ("kernel_stack", "pagetables", "percpu", "sock", "slab")
        return told.get("kernel", sum(told.get(part, 0) for part in parts))

    def memory_peak_bytes(self) -> int | None:
        """Read `memory.peak`, which Linux has since 5.19."""
        file = self._file("memory", "memory.peak")
        return int(_read(file)) if file.exists() else None

    def oom_kills(self) -> int:
        """Read `memory.events`."""
        return _counters(self._file("memory", "memory.events")).get("oom_kill", 0)

    def pids_refused(self) -> int:
        """Read `pids.events`."""
        return _counters(self._file("pids", "pids.events")).get("max", 0)


@dataclass(frozen=True)
class Tree:
    """Where control groups are mounted and where the caller is in them.

    Attributes:
        own: the caller's own folder for each controller of version 1.
        unified: the caller's own folder in version 2, and the top of what is mounted; None if
            version 2 is not mounted.
    """

    own: Mapping[str, Path]
    unified: tuple[Path, Path] | None

    @classmethod
    def of_caller(cls, proc: Path = Path("/proc/self")) -> Tree:
        """Read where this process is."""
        mounted: dict[str, tuple[str, Path]] = {}
        for line in _read(proc / "mountinfo").splitlines():
            before, _, after = line.partition(" - ")
            kind, _, options = after.split(" ", 2)
            top, place = before.split(" ")[3:5]
            if kind == "cgroup2":
                mounted[""] = (top, Path(place))
            elif kind == "cgroup":
                mounted |= {option: (top, Path(place)) for option in options.split(",")}
        own: dict[str, Path] = {}
        unified = None
        for line in _read(proc / "cgroup").splitlines():
            _, names, path = line.split(":", 2)
            for name in names.split(","):
                if name in mounted:
                    top, mount = mounted[name]
                    folder = mount / path.removeprefix(top).lstrip("/")
                    if name:
                        own[name] = folder
                    else:
                        unified = folder, mount
        return cls(own, unified)


@contextmanager
def group(*controllers: str, tree: Tree | None = None) -> Iterator[Group]:
    """Make a control group for an experiment; put processes into its children.

    Args:
        *controllers: of cpu, cpuset, memory, pids, io, freezer.
        tree: where to make it; below the caller's own groups if None.

    Raises:
        NoCgroup: if this host does not let the caller make such a group; says why.
        ValueError: if a controller is unknown.
    """
    unknown = set(controllers) - CONTROLLERS
    if unknown or not controllers:
        raise ValueError(f"controllers are some of {sorted(CONTROLLERS)}, not {sorted(unknown)}")
    tree = tree or Tree.of_caller()
    name = f"{owned_name()}-{next(_numbers)}"
    wanted = [old for new in controllers for old in _IN_VERSION_1.get(new, (new,))]
    if all(old in tree.own for old in wanted):
        made: Group = GroupV1(_named_as_asked({old: tree.own[old] for old in wanted}))
        with _made(made, name) as inner:
            yield inner
        return
    if tree.unified is None:
        missing = sorted(set(wanted) - set(tree.own))
        raise NoCgroup(f"no control groups for {', '.join(missing)} are mounted here")
    # In version 2 every group can be frozen; there is no controller to hand down for it.
    handed = sorted(set(controllers) - {"freezer"})
    with _parent_in_version_2(tree.unified, handed) as parent:
        with _made(GroupV2(dict.fromkeys(controllers, parent)), name) as inner:
            _hand_down(inner.places[0], handed)
            yield inner


@contextmanager
def _made(parent: Group, name: str) -> Iterator[Group]:
    """Make a child, hand it out, and remove it whatever happens."""
    made = type(parent)({key: place / name for key, place in parent.folders.items()})
    try:
        yield parent.child(name)
    finally:
        with uninterrupted():
            made.remove()


@contextmanager
def _parent_in_version_2(own: tuple[Path, Path], controllers: list[str]) -> Iterator[Path]:
    """Find the folder in which a group with these controllers can be made.

    That is the caller's own group, or else the nearest one above it that hands the controllers down
    and lets the caller make groups: a group that holds processes cannot hand any down itself.
    """
    folder, top = own
    wanted = set(controllers)
    why = f"control groups version 2 has no {', '.join(controllers)} for this user here"
    if wanted <= set(_read(folder / "cgroup.controllers").split()):
        try:
            added = _hand_down(folder, controllers)
        except NoCgroup as error:
            why = str(error)
        else:
            try:
                yield folder
            finally:
                if added:
                    _write(
                        folder / "cgroup.subtree_control", " ".join(f"-{name}" for name in added)
                    )
            return
    while folder != top:
        folder = folder.parent
        handed = set(_read(folder / "cgroup.subtree_control").split())
        if wanted <= handed and os.access(folder, os.W_OK):
            yield folder
            return
    raise NoCgroup(f"{why}; run as root, or in systemd-run --user --scope -p Delegate=yes")


def _hand_down(folder: Path, controllers: Iterable[str]) -> list[str]:
    """Let the groups below the folder use the controllers; return those that were not yet."""
    file = folder / "cgroup.subtree_control"
    added = sorted(set(controllers) - set(_read(file).split()))
    if added:
        _write(file, " ".join(f"+{name}" for name in added))
    return added


def _named_as_asked(folders: Mapping[str, Path]) -> dict[str, Path]:
    """Give version 1's folders the names of version 2's controllers."""
    new_names = {"blkio": "io"}
    return {new_names.get(old, old): place for old, place in folders.items()}


def _checked_weight(weight: int) -> int:
    if not 1 <= weight <= 10_000:
        raise ValueError(f"a weight lies between 1 and 10,000, not {weight}")
    return weight


def _counters(file: Path) -> dict[str, int]:
    """Read lines of `name value`."""
    pairs = (line.split(" ", 1) for line in _read(file).splitlines() if " " in line)
    return {name: int(value) for name, value in pairs if value.strip().isdigit()}


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise NoCgroup(f"{file}: {error.strerror}") from None


def _write(file: Path, value: object) -> None:
    try:
        file.write_text(f"{value}\n")
    except OSError as error:
        raise NoCgroup(f"{file}: cannot be set to {value} ({error.strerror})") from None


def _make(folder: Path) -> None:
    try:
        folder.mkdir()
    except OSError as error:
        raise NoCgroup(
            f"{folder.parent}: no control group can be made in it ({error.strerror})"
        ) from None


def _subfolders(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []


def _remove(folder: Path) -> None:
    """Remove a group; its processes may take a moment to be gone."""
    deadline = time.monotonic() + _REMOVAL_PATIENCE_S
    while folder.is_dir():
        try:
            folder.rmdir()
        except OSError as error:
            if time.monotonic() > deadline:
                raise NoCgroup(f"{folder}: cannot be removed ({error.strerror})") from None
            time.sleep(0.002)
