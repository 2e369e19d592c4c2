"""Which disk a folder lies on, as control groups name it."""

from __future__ import annotations

import os
from pathlib import Path

from virtlab.resources.cgroups import NoCgroup


def disk_of(folder: Path, blocks: Path = Path("/sys/dev/block")) -> str:
    """Return `major:minor` of the whole disk that a folder's file system lies on.

    Raises:
        NoCgroup: if it lies on none: in memory, on a network, or on several layers.
    """
    number = folder.stat().st_dev
    name = f"{os.major(number)}:{os.minor(number)}"
    device = blocks / name
    if not device.exists():
        raise NoCgroup(f"{folder} does not lie on a disk of its own that could be limited")
    if (device / "partition").exists():
        return (device.resolve().parent / "dev").read_text().strip()
    return name
