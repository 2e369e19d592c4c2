"""Thin provisioning: disks that take room from a shared pool only when they are written to.

The disks of a pool may promise more than the pool has. That goes well until it is full.
"""

from __future__ import annotations

from virtlab.machines.disks.disk import CLUSTER, Disk


class PoolFullError(Exception):
    """A disk was promised room that is not there."""


class Pool:
    """Room shared by thin disks.

    Attributes:
        capacity: clusters there are.
        used: clusters taken.
        disks: the disks made on it.
    """

    def __init__(self, capacity: int, cluster: int = CLUSTER) -> None:
        self.capacity = capacity
        self.cluster = cluster
        self.used = 0
        self.disks: list[ThinDisk] = []

    @property
    def promised(self) -> int:
        """Clusters that the disks could take in all; over ``capacity`` it is overcommitted."""
        return sum(len(disk.clusters()) for disk in self.disks)

    def take(self) -> None:
        """Take one cluster, or raise PoolFullError."""
        if self.used == self.capacity:
            raise PoolFullError(
                f"all {self.capacity} clusters of the pool are taken; {self.promised} were promised"
            )
        self.used += 1


class ThinDisk(Disk):
    """A disk that holds only what was written to it. What was not reads as zeros.

    A write that finds the pool full raises PoolFullError; the clusters before are written.
    """

    def __init__(self, pool: Pool, size: int) -> None:
        super().__init__(size, pool.cluster)
        self.pool = pool
        self._held: dict[int, bytes] = {}
        pool.disks.append(self)

    def fetch(self, number: int) -> bytes:
        """Return a whole cluster; zeros if it was never written."""
        return self._held.get(number, bytes(self.cluster))

    def put(self, number: int, data: bytes) -> None:
        """Replace a whole cluster, taken from the pool the first time."""
        if number not in self._held:
            self.pool.take()
        self._held[number] = data

    def discard(self, offset: int, length: int) -> None:
        """Give back the clusters that lie wholly in a range; they read as zeros from then on.

        The rest of the range is left as it is. So does a file system tell its disk of deleted
        files (TRIM).
        """
        for number, start, end in self._pieces(offset, length):
            if end - start == self.cluster and number in self._held:
                del self._held[number]
                self.pool.used -= 1

    @property
    def allocated(self) -> int:
        """Bytes taken from the pool."""
        return len(self._held) * self.cluster
