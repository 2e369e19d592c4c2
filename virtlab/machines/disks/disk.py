"""What every virtual disk offers: bytes at offsets. And the simplest one: a row of bytes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

CLUSTER = 4096


class ReadOnlyError(Exception):
    """A write to a disk that others are built on."""


class Disk(ABC):
    """A disk made of clusters, each of which may be there or not.

    Attributes:
        size: bytes that the disk claims to have.
        cluster: bytes that are allocated and copied together.
        is_frozen: True once another disk is built on this one; it refuses writes from then on.
    """

    def __init__(self, size: int, cluster: int = CLUSTER) -> None:
        if size < 0 or cluster < 1:
            raise ValueError("a disk's size is 0 or more, its cluster 1 byte or more")
        self.size = size
        self.cluster = cluster
        self.is_frozen = False

    @abstractmethod
    def fetch(self, number: int) -> bytes:
        """Return a whole cluster; one that was never written is zeros."""

    @abstractmethod
    def put(self, number: int, data: bytes) -> None:
        """Replace a whole cluster."""

    @property
    @abstractmethod
    def allocated(self) -> int:
        """Bytes that this disk really takes, of its own."""

    def read(self, offset: int, length: int) -> bytes:
        """Return bytes.

        Raises:
            ValueError: if they are not all on the disk.
        """
        return b"".join(
            self.fetch(number)[start:end] for number, start, end in self._pieces(offset, length)
        )

    def write(self, offset: int, data: bytes) -> None:
        """Replace bytes.

        Raises:
            ValueError: if they would not all be on the disk.
            ReadOnlyError: if another disk is built on this one.
        """
        if self.is_frozen:
            raise ReadOnlyError("another disk is built on this one: write to that")
        done = 0
        for number, start, end in self._pieces(offset, len(data)):
            piece = data[done : done + end - start]
            done += len(piece)
            if len(piece) < self.cluster:
                old = self.fetch(number)
                piece = old[:start] + piece + old[end:]
            self.put(number, piece)

    def clusters(self) -> range:
        """Return the numbers of all clusters."""
        return range(-(-self.size // self.cluster))

    def _pieces(self, offset: int, length: int) -> Iterator[tuple[int, int, int]]:
        """Cut a range into (cluster, start in it, end in it)."""
        if not 0 <= offset <= offset + length <= self.size:
            raise ValueError(f"{length} bytes at {offset} are not on a disk of {self.size} bytes")
        end = offset + length
        while offset < end:
            number, start = divmod(offset, self.cluster)
            taken = min(self.cluster - start, end - offset)
            yield number, start, start + taken
            offset += taken


class RawDisk(Disk):
    """A disk with every byte in its place from the beginning."""

    def __init__(self, size: int, cluster: int = CLUSTER) -> None:
        super().__init__(size, cluster)
        self._bytes = bytearray(len(self.clusters()) * cluster)

    def fetch(self, number: int) -> bytes:
        """Return a whole cluster."""
        return bytes(self._bytes[number * self.cluster : (number + 1) * self.cluster])

    def put(self, number: int, data: bytes) -> None:
        """Replace a whole cluster."""
        self._bytes[number * self.cluster : (number + 1) * self.cluster] = data

    @property
    def allocated(self) -> int:
        """All of it."""
        return len(self._bytes)
