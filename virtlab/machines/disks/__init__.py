"""Virtual disks: thin, copy-on-write, deduplicated, and striped with parity."""

from virtlab.machines.disks.dedup import ContentStore, dedup_ratio, fixed_blocks
from virtlab.machines.disks.disk import Disk, RawDisk, ReadOnlyError
from virtlab.machines.disks.overlay import Overlay
from virtlab.machines.disks.raid5 import DataLossError, Raid5, parity, rebuild
from virtlab.machines.disks.thin import Pool, PoolFullError, ThinDisk

__all__ = [
    "ContentStore",
    "DataLossError",
    "Disk",
    "Overlay",
    "Pool",
    "PoolFullError",
    "Raid5",
    "RawDisk",
    "ReadOnlyError",
    "ThinDisk",
    "dedup_ratio",
    "fixed_blocks",
    "parity",
    "rebuild",
]
