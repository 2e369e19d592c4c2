"""Disks that promise more than their pool holds. Run as `python -I -S thin_disks.py …`.

Arguments: FOLDER CAPACITY_MIB DISKS WAY…. For each way it makes a pool, a small file system behind
a mount wall of its own, puts that many disks on it, each as large as the pool, and writes a MiB to
each in turn until all are full or refused. WAY is "promise" (a disk is a file with a hole) or
"reserve" (its room is taken when it is made). Prints a JSON list with one object a disk: {"way": …,
"written": MiB, "end": what became of it}.
"""

import errno
import json
import os
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[3]))

from virtlab import syscalls
from virtlab.container import walls

MIB = 1 << 20


class Disk:
    """A file that a guest would take for a disk."""

    def __init__(self, path: str, way: str, mib: int) -> None:
        self.file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.written, self.end = 0, ""
        try:
            if way == "reserve":
                os.posix_fallocate(self.file, 0, mib * MIB)
            else:
                os.ftruncate(self.file, mib * MIB)
        except OSError as error:
            self.end = f"refused when it was made ({errno.errorcode[error.errno or 0]})"

    def write(self, number: int) -> None:
        """Write one MiB, unless something has ended this disk already."""
        if self.end:
            return
        try:
            os.pwrite(self.file, bytes(MIB), number * MIB)
            self.written += 1
        except OSError as error:
            self.end = f"a write failed ({errno.errorcode[error.errno or 0]})"


def fill(folder: str, capacity: int, count: int, way: str) -> list[dict[str, object]]:
    """Make a pool and its disks, write to them in turns, and say how each ended."""
    syscalls.mount("pool", folder, "tmpfs", 0, f"size={capacity}m")
    try:
        disks = [Disk(f"{folder}/{number}", way, capacity) for number in range(count)]
        for number in range(capacity):
            for disk in disks:
                disk.write(number)
        for disk in disks:
            os.close(disk.file)
    finally:
        syscalls.umount(folder)
    return [
        {"way": way, "written": disk.written, "end": disk.end or "all was written"}
        for disk in disks
    ]


def main() -> None:
    """Fill one pool for each way."""
    folder, capacity, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    walls.put_up({"mnt"})
    print(json.dumps([row for way in sys.argv[4:] for row in fill(folder, capacity, count, way)]))


if __name__ == "__main__":
    main()
