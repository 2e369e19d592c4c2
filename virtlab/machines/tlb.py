"""A translation lookaside buffer, with or without tags that name the address space.

Without tags every switch between guests must flush it; with tags (ASID, VPID, PCID) entries of
several guests live side by side. Fully associative, least recently used entry replaced.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass


@dataclass
class Counts:
    """What happened: lookups that hit, lookups that missed, flushes of the whole buffer."""

    hits: int = 0
    misses: int = 0
    flushes: int = 0


class TLB:
    """A cache of translations.

    Attributes:
        capacity: entries at most.
        tagged: whether an entry remembers which address space it belongs to.
        counts: hits, misses and flushes so far.
    """

    def __init__(self, capacity: int, tagged: bool) -> None:
        if capacity < 1:
            raise ValueError("a TLB has one entry at least")
        self.capacity = capacity
        self.tagged = tagged
        self.counts = Counts()
        self._entries: OrderedDict[tuple[Hashable, int], int] = OrderedDict()
        self._space: Hashable = None

    def switch(self, space: Hashable) -> None:
        """Change to another address space, with a flush if there are no tags to tell them apart."""
        if space == self._space:
            return
        if not self.tagged and self._space is not None:
            self.flush()
        self._space = space

    def lookup(self, page: int) -> int | None:
        """Return the frame of a page in the present space, None on a miss; counts either."""
        frame = self._entries.get((self._space, page))
        if frame is None:
            self.counts.misses += 1
            return None
        self.counts.hits += 1
        self._entries.move_to_end((self._space, page))
        return frame

    def insert(self, page: int, frame: int) -> None:
        """Remember a translation; the least recently used one makes room."""
        self._entries[self._space, page] = frame
        self._entries.move_to_end((self._space, page))
        if len(self._entries) > self.capacity:
            self._entries.popitem(last=False)

    def invalidate(self, page: int) -> None:
        """Forget one page of the present space, after its table entry changed."""
        self._entries.pop((self._space, page), None)

    def flush(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self.counts.flushes += 1


def replay(trace: Iterable[tuple[Hashable, int]], capacity: int, tagged: bool) -> Counts:
    """Run a trace of (guest, page) accesses through an empty TLB and count."""
    tlb = TLB(capacity, tagged)
    for guest, page in trace:
        tlb.switch(guest)
        if tlb.lookup(page) is None:
            tlb.insert(page, page)
    return tlb.counts
