"""Copy-on-write layers, as in a qcow2 chain: an overlay holds what differs from its backing disk.

Making one is instant whatever the disk's size, which is what makes snapshots cheap. A read goes
down the chain until a layer has the cluster; a write copies the cluster up first.
"""

from __future__ import annotations

from virtlab.machines.disks.disk import Disk


class Overlay(Disk):
    """A disk on top of another one.

    Attributes:
        backing: the disk below, frozen from now on; None once flattened.
        copied: bytes copied up because a write did not fill its cluster.
    """

    def __init__(self, backing: Disk, size: int | None = None) -> None:
        """Make an empty overlay.

        Args:
            backing: the disk below.
            size: bytes; as much as the backing disk has unless given. What lies beyond the
                backing disk reads as zeros.
        """
        super().__init__(backing.size if size is None else size, backing.cluster)
        self.backing: Disk | None = backing
        self.copied = 0
        self._held: dict[int, bytes] = {}
        backing.is_frozen = True

    def fetch(self, number: int) -> bytes:
        """Return a whole cluster from the uppermost layer that has it."""
        if number in self._held:
            return self._held[number]
        if self.backing is None or number >= len(self.backing.clusters()):
            return bytes(self.cluster)
        below = self.backing.fetch(number)
        within = self.backing.size - number * self.cluster
        return below[:within].ljust(self.cluster, b"\0")

    def put(self, number: int, data: bytes) -> None:
        """Replace a whole cluster, in this layer only."""
        self._held[number] = data

    def write(self, offset: int, data: bytes) -> None:
        """Replace bytes; clusters written in part are copied up first."""
        pieces = () if self.is_frozen else self._pieces(offset, len(data))
        for number, start, end in pieces:
            if number not in self._held:
                self.copied += self.cluster - (end - start)
        super().write(offset, data)

    @property
    def allocated(self) -> int:
        """Bytes held in this layer."""
        return len(self._held) * self.cluster

    @property
    def chain(self) -> list[Disk]:
        """The layers, this one first."""
        layers: list[Disk] = [self]
        while isinstance(layers[-1], Overlay) and layers[-1].backing is not None:
            layers.append(layers[-1].backing)
        return layers

    def layers_searched(self, number: int) -> int:
        """Return how many layers a read of a cluster looks into."""
        for depth, layer in enumerate(self.chain, start=1):
            if not isinstance(layer, Overlay) or number in layer._held:
                return depth
        return len(self.chain)

    def snapshot(self) -> Overlay:
        """Freeze this layer as a snapshot and return the overlay that goes on from it."""
        return Overlay(self)

    def commit(self) -> None:
        """Move this layer's clusters into the backing disk, which loses its own state by that.

        Raises:
            ValueError: if there is no backing disk, or it is smaller than this one.
        """
        if self.backing is None or self.backing.size < self.size:
            raise ValueError("there is no backing disk to commit to, or it is too small")
        for number, data in self._held.items():
            self.backing.put(number, data)
        self._held.clear()

    def flatten(self) -> None:
        """Copy up everything that is still read from below, and let go of the backing disk."""
        for number in self.clusters():
            data = self.fetch(number)
            if any(data) or number in self._held:
                self._held[number] = data
        self.backing = None
