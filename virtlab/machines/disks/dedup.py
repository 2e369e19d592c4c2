"""Deduplication: equal blocks are kept once, under the name of their SHA-256 digest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator


def fixed_blocks(data: bytes, size: int = 4096) -> Iterator[bytes]:
    """Cut data into blocks of one size; the last may be shorter."""
    for start in range(0, len(data), size):
        yield data[start : start + size]


def dedup_ratio(blocks: Iterable[bytes]) -> float:
    """Return the bytes given over the bytes that must be kept; 1.0 for nothing at all."""
    blocks = list(blocks)
    kept = sum(len(block) for block in set(blocks))
    return sum(len(block) for block in blocks) / kept if kept else 1.0


class ContentStore:
    """Blocks by digest, each kept once and counted.

    Attributes:
        logical: bytes that users put in and have not taken out.
        stored: bytes really kept.
    """

    def __init__(self) -> None:
        self._blocks: dict[str, bytes] = {}
        self._uses: dict[str, int] = {}
        self.logical = 0
        self.stored = 0

    def put(self, block: bytes) -> str:
        """Keep a block and return its digest, in hexadecimal digits: the name to get it by."""
        digest = hashlib.sha256(block).hexdigest()
        if digest not in self._blocks:
            self._blocks[digest] = block
            self._uses[digest] = 0
            self.stored += len(block)
        self._uses[digest] += 1
        self.logical += len(block)
        return digest

    def get(self, digest: str) -> bytes:
        """Return a block; KeyError if there is none of this name."""
        return self._blocks[digest]

    def release(self, digest: str) -> None:
        """Undo one ``put``; the block goes with its last use. KeyError if there is none."""
        block = self._blocks[digest]
        self.logical -= len(block)
        self._uses[digest] -= 1
        if not self._uses[digest]:
            del self._blocks[digest], self._uses[digest]
            self.stored -= len(block)

    @property
    def ratio(self) -> float:
        """Logical over stored bytes; 1.0 when empty."""
        return self.logical / self.stored if self.stored else 1.0
