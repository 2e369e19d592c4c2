"""RAID 5: data striped over several members, with one chunk of parity in each stripe.

After Patterson, Gibson and Katz (1988), "A Case for Redundant Arrays of Inexpensive Disks". The
layout is left-symmetric, as Linux's is: in stripe s of m members, parity lies on member
m - 1 - s % m, and the data chunks follow behind it, round the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Chunk = bytes | None


class DataLossError(Exception):
    """More members are missing than parity can make up for."""


def parity(chunks: Iterable[bytes]) -> bytes:
    """Return the bytewise exclusive or of chunks of one length; ValueError if there are none."""
    chunks = list(chunks)
    if len({len(chunk) for chunk in chunks}) != 1:
        raise ValueError("parity needs chunks, all of one length")
    total = 0
    for chunk in chunks:
        total ^= int.from_bytes(chunk)
    return total.to_bytes(len(chunks[0]))


def rebuild(stripes: Sequence[Sequence[Chunk]]) -> list[list[bytes]]:
    """Fill in what is missing from each stripe.

    Args:
        stripes: of each stripe its chunks, parity among them wherever it lies; None is missing.

    Raises:
        DataLossError: if a stripe misses more than one chunk.
        ValueError: if a stripe has fewer than two chunks, or chunks of different length.
    """
    rebuilt = []
    for number, stripe in enumerate(stripes):
        there = [chunk for chunk in stripe if chunk is not None]
        if len(stripe) < 2:
            raise ValueError(f"stripe {number} has no parity: it has fewer than two chunks")
        if len(there) < len(stripe) - 1:
            raise DataLossError(f"stripe {number} misses {len(stripe) - len(there)} chunks")
        missing = parity(there)
        rebuilt.append([missing if chunk is None else chunk for chunk in stripe])
    return rebuilt


class Raid5:
    """An array.

    Attributes:
        chunk: bytes in a chunk.
        members: of each member its chunks, or None while it is failed.
        reads, writes: chunks read from and written to members so far.
    """

    def __init__(self, members: int, stripes: int, chunk: int = 4096) -> None:
        if members < 3 or stripes < 1 or chunk < 1:
            raise ValueError("RAID 5 needs three members, one stripe and one byte at least")
        self.chunk = chunk
        self.stripes = stripes
        self.members: list[list[bytes] | None] = [[bytes(chunk)] * stripes for _ in range(members)]
        self.reads = self.writes = 0

    @property
    def data_chunks(self) -> int:
        """Data chunks in a stripe."""
        return len(self.members) - 1

    @property
    def size(self) -> int:
        """Bytes of data that the array holds."""
        return self.stripes * self.data_chunks * self.chunk

    def place(self, number: int) -> tuple[int, int, int]:
        """Return (stripe, member, parity's member) of a data chunk."""
        stripe, within = divmod(number, self.data_chunks)
        parity_member = len(self.members) - 1 - stripe % len(self.members)
        return stripe, (parity_member + 1 + within) % len(self.members), parity_member

    def read(self, number: int) -> bytes:
        """Return a data chunk, computed from all the others if its member is failed.

        Raises:
            DataLossError: if another member is failed too.
        """
        stripe, member, _ = self.place(number)
        chunk = self._get(member, stripe)
        if chunk is not None:
            return chunk
        return self._reconstruct(stripe, member)

    def write(self, number: int, data: bytes) -> None:
        """Replace a data chunk and bring parity up to date.

        With all members there this reads the old data and parity and writes both: four accesses
        for one write (the small-write penalty).

        Raises:
            DataLossError: if two members are failed.
            ValueError: if the data is not one chunk.
        """
        if len(data) != self.chunk:
            raise ValueError(f"a chunk has {self.chunk} bytes, not {len(data)}")
        stripe, member, parity_member = self.place(number)
        old = self.read(number)
        old_parity = self._get(parity_member, stripe)
        if old_parity is not None:
            self._set(parity_member, stripe, parity([old_parity, old, data]))
        if self.members[member] is not None:
            self._set(member, stripe, data)

    def fail(self, member: int) -> None:
        """Lose a member and all that is on it."""
        self.members[member] = None

    def rebuild(self, member: int) -> None:
        """Fill a new member with what was on the failed one; every other member is read whole.

        Raises:
            DataLossError: if another member is failed too.
        """
        if self.members[member] is not None:
            return
        chunks = [self._reconstruct(stripe, member) for stripe in range(self.stripes)]
        self.members[member] = [bytes(self.chunk)] * self.stripes
        for stripe, chunk in enumerate(chunks):
            self._set(member, stripe, chunk)

    def _reconstruct(self, stripe: int, member: int) -> bytes:
        others = [self._get(m, stripe) for m in range(len(self.members)) if m != member]
        there = [chunk for chunk in others if chunk is not None]
        if len(there) < len(others):
            raise DataLossError("two members are failed: parity can make up for one")
        return parity(there)

    def _get(self, member: int, stripe: int) -> Chunk:
        chunks = self.members[member]
        if chunks is None:
            return None
        self.reads += 1
        return chunks[stripe]

    def _set(self, member: int, stripe: int, chunk: bytes) -> None:
        chunks = self.members[member]
        if chunks is not None:
            self.writes += 1
            chunks[stripe] = chunk
