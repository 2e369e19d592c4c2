"""A storage pool on members that are files: a btrfs file system over several loop devices.

Everything lies in a folder that the caller owns, best `leftovers.own_folder()`: what a kill leaves
is then found by `virtlab clean`, mounts and loop devices included.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from virtlab import host
from virtlab.interrupts import uninterrupted
from virtlab.runtimes.base import RuntimeFailed

MIB = 1 << 20
_PATIENCE_S = 60


def tool(name: str, *arguments: object) -> str:
    """Run a system tool to its end; return what it printed.

    Raises:
        RuntimeFailed: it is not there, failed, or did not end.
    """
    command = [host.find_tool(name) or name, *map(str, arguments)]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise RuntimeFailed(f"{name}: {error}") from None
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"status {done.returncode}"]
        raise RuntimeFailed(f"{name}: {said[0]}")
    return done.stdout


class Pool:
    """A btrfs pool. Use `pool`, which also takes it down.

    Attributes:
        root: where it is mounted, while it is.
        members: the loop devices by their number in the pool, from 1; None for one that is gone.
    """

    def __init__(self, folder: Path, profile: str, count: int, mib: int) -> None:
        self.folder, self.mib = folder, mib
        self.root = folder / "root"
        self.root.mkdir(parents=True)
        self.members: list[str | None] = []
        self._files: list[Path] = []
        try:
            for _ in range(count):
                self.members.append(self._new_device())
            # The bookkeeping is kept twice in any case: pools differ in their data's safety only.
            twice = "raid1" if count > 1 else "dup"
            tool("mkfs.btrfs", "-q", "-f", "-d", profile, "-m", twice, *self._present())
            self.mount()
        except BaseException:
            self.close()
            raise

    def mount(self, *options: str) -> None:
        """Mount it, from the members that are there."""
        present = self._present()
        named = ",".join([*options, *(f"device={device}" for device in present)])
        tool("mount", "-t", "btrfs", "-o", named, present[0], self.root)

    def unmount(self) -> None:
        """Unmount it; all that was written is then on its members."""
        tool("umount", self.root)

    def lose(self, number: int) -> None:
        """Take a member out of the unmounted pool, as if its disk were gone."""
        device = self.members[number - 1]
        assert device is not None
        self._forget(device)
        _detach(device)
        self.members[number - 1] = None

    def replace(self, number: int) -> None:
        """Put a new, empty disk in the place of a lost one, and have its content made again."""
        fresh = self._new_device()
        try:
            tool("btrfs", "replace", "start", "-B", "-f", number, fresh, self.root)
        except RuntimeFailed:
            tool("losetup", "--detach", fresh)
            raise
        self.members[number - 1] = fresh

    def spoil(self, number: int) -> None:
        """Write zeros over all that the unmounted pool keeps on a member, as if nobody had asked.

        Only the places that say what the disk is stay: it still looks like a member.
        """
        file = self._files[number - 1]
        with file.open("r+b") as disk:
            for start in range(2 * MIB, self.mib * MIB, MIB):
                if start != 64 * MIB:  # here is the second superblock
                    disk.seek(start)
                    disk.write(bytes(MIB))
            disk.flush()
            os.fsync(disk.fileno())

    def scrub(self) -> tuple[int, int]:
        """Read everything and compare it with its sums; return (errors found, of them mended)."""
        told = tool("btrfs", "scrub", "start", "-B", "-R", self.root)
        counts = {kind: int(count) for kind, count in re.findall(r"(\w+)_errors: (\d+)", told)}
        found = counts["csum"] + counts["verify"] + counts["read"]
        return found, counts["corrected"]

    def room(self) -> int:
        """How many bytes of data still go in, as the mounted pool says."""
        stats = os.statvfs(self.root)
        return stats.f_bavail * stats.f_frsize

    def fullest(self) -> int:
        """The number of the member with the most data on it."""
        told = tool("btrfs", "device", "usage", "-b", self.root)
        data: dict[int, int] = {}
        for part in told.split("/dev/")[1:]:
            number = int(part.partition("ID: ")[2].split()[0])
            data[number] = sum(int(size) for size in re.findall(r"Data,\w+: +(\d+)", part))
        return max(data, key=lambda number: data[number])

    def disks_below(self) -> int:
        """On how many different file systems of the host its members lie."""
        return len({file.stat().st_dev for file in self._files if file.exists()})

    def close(self) -> None:
        """Unmount it, free the loop devices and remove the files."""
        with uninterrupted():
            with contextlib.suppress(RuntimeFailed):
                self.unmount()
            for device in self._present():
                self._forget(device)
                with contextlib.suppress(RuntimeFailed):
                    tool("losetup", "--detach", device)
            for file in self._files:
                file.unlink(missing_ok=True)

    def _present(self) -> list[str]:
        return [device for device in self.members if device]

    def _new_device(self) -> str:
        number = len(self._files)
        file = self.folder / f"member-{number}"
        with file.open("wb") as disk:
            disk.truncate(self.mib * MIB)
        with uninterrupted():
            device = tool("losetup", "--find", "--show", file).strip()
        vacant = [place for place, member in enumerate(self.members) if member is None]
        if vacant:
            self._files[vacant[0]].unlink(missing_ok=True)
            self._files[vacant[0]] = file
        else:
            self._files.append(file)
        return device

    @staticmethod
    def _forget(device: str) -> None:
        """Have the kernel forget whose member a device was: its number will be used again."""
        with contextlib.suppress(RuntimeFailed):
            tool("btrfs", "device", "scan", "--forget", device)


def _detach(device: str) -> None:
    """Free a loop device, and wait until it is free: somebody may still be looking at it.

    Raises:
        RuntimeFailed: it was not freed in time.
    """
    tool("losetup", "--detach", device)
    below = Path("/sys/block", Path(device).name, "loop", "backing_file")
    deadline = time.monotonic() + _PATIENCE_S
    while below.exists():
        if time.monotonic() > deadline:
            raise RuntimeFailed(f"{device} is in use and was not freed")
        time.sleep(0.002)


@contextmanager
def pool(folder: Path, profile: str, count: int = 3, mib: int = 160) -> Iterator[Pool]:
    """Make and mount a pool in a new folder; gone after the block.

    Args:
        folder: to be made; what the pool is made of lies in it.
        profile: how btrfs places data: `single` or `raid1`.
        count: of members.
        mib: size of each member; the files that they are take only what is written.
    """
    made = Pool(folder, profile, count, mib)
    try:
        yield made
    finally:
        made.close()


def send(snapshot: Path, target: Path, parent: Path | None = None) -> None:
    """Write a read-only snapshot as a stream of changes: since its parent, or since nothing."""
    since: Sequence[object] = ("-p", parent) if parent else ()
    tool("btrfs", "send", "-q", *since, "-f", target, snapshot)


def receive(stream: Path, place: Path) -> None:
    """Make a snapshot again, in another pool, from a stream."""
    tool("btrfs", "receive", "-q", "-f", stream, place)


def snapshot(subvolume: Path, target: Path) -> None:
    """Take a read-only snapshot of a subvolume."""
    tool("btrfs", "subvolume", "snapshot", "-r", subvolume, target)
