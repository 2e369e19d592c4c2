"""A toy computer with paged memory, and three ways to translate its addresses.

The toy CPU runs its program as ever. Its memory now lies behind a processor's memory management
unit: each address is looked up in a TLB, and what is not in there in page tables. A small guest
kernel deals out frames to the program's pages as they are first touched, and takes them back when
it has no more. How the tables are walked is the question:

- `Native`: nobody is below; one table.
- `Nested`: two tables, both walked by the hardware.
- `Shadowed`: one table, made by a hypervisor from the guest's table, which it guards.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from virtlab.machines.paging import (
    X86_64,
    AddressSpace,
    Entries,
    PageFaultError,
    Stage,
    frames_from,
)
from virtlab.machines.shadow import ShadowPaging
from virtlab.machines.tlb import TLB
from virtlab.machines.toycpu import CLEAN, Isa, Machine
from virtlab.machines.two_stage import GuestMemory, two_stage

WORD_BYTES = 4
PAGE = X86_64.page
PAGE_WORDS = PAGE // WORD_BYTES
TABLES, DATA = 0x10_0000, 0x40_0000  # where the guest keeps its tables, and its program's pages
_TABLE_FRAMES = 64
_HOST = 1 << 32  # where the host keeps what it gives to the guest


@dataclass
class Counts:
    """What translating cost.

    Attributes:
        accesses: addresses translated.
        misses: of these, not found in the TLB.
        references: table entries that the hardware read.
        faults: page faults that the guest's own kernel served.
        exits: times that the hypervisor had to step in.
    """

    accesses: int = 0
    misses: int = 0
    references: int = 0
    faults: int = 0
    exits: int = 0


class Translator(Protocol):
    """A way to find the host's frame of a guest's page."""

    entries: Entries

    def find(self, page: int) -> tuple[int, int]:
        """Walk the tables for a page's address; return the frame's address and entries read.

        Raises:
            PageFaultError: with the stage at fault.
        """

    @property
    def exits(self) -> int:
        """How often the hypervisor stepped in so far."""


class Native:
    """No hypervisor: the guest's table is all there is."""

    exits = 0

    def __init__(self, frames: int) -> None:
        self.entries: Entries = {}

    def find(self, page: int) -> tuple[int, int]:
        """Walk one table."""
        found = AddressSpace(self.entries, iter(()), root=TABLES).walk(page)
        return found.physical, len(found.references)


class Nested:
    """Two tables; the hypervisor made the second one beforehand and is not asked again."""

    exits = 0

    def __init__(self, frames: int) -> None:
        self._host = AddressSpace({}, frames_from(1 << 40))
        for page, frame in _backing(frames):
            self._host.map(page, frame)
        self.entries: Entries = GuestMemory(self._host)

    def find(self, page: int) -> tuple[int, int]:
        """Walk both."""
        found = two_stage(self._host.memory, TABLES, self._host.root, page)
        return found.host_physical, len(found.references)


class Shadowed:
    """One table for the hardware; the hypervisor keeps it in step with the guest's."""

    def __init__(self, frames: int) -> None:
        self._shadow = ShadowPaging({}, TABLES, dict(_backing(frames)))
        self.entries: Entries = _Guarded(self._shadow)

    @property
    def exits(self) -> int:
        """Writes to the guest's table, fills of the shadow, and faults handed to the guest."""
        return self._shadow.exits.total()

    def find(self, page: int) -> tuple[int, int]:
        """Walk the shadow, filled first if it has to be."""
        found = self._shadow.translate(page)
        return found.physical, len(found.references)


class _Guarded:
    """The guest's entries, write-protected: a write goes through the hypervisor."""

    def __init__(self, shadow: ShadowPaging) -> None:
        self._shadow = shadow

    def get(self, place: int, default: int, /) -> int:
        return self._shadow.guest_memory.get(place, default)

    def __setitem__(self, place: int, entry: int, /) -> None:
        self._shadow.guest_writes(place, entry)


def _backing(frames: int) -> Iterator[tuple[int, int]]:
    """Yield where the host keeps each page of the guest: its tables, then its data, backwards."""
    places = [TABLES + number * PAGE for number in range(_TABLE_FRAMES)]
    places += [DATA + number * PAGE for number in range(frames)]
    for number, place in enumerate(reversed(places)):
        yield place, _HOST + number * PAGE


TRANSLATORS: dict[str, Callable[[int], Translator]] = {
    "no hypervisor": Native,
    "nested": Nested,
    "shadow": Shadowed,
}


class PagedMemory:
    """Memory for the toy CPU behind a TLB and page tables; it takes the place of a list of words.

    Attributes:
        counts: what translating has cost so far.
    """

    def __init__(
        self, pages: int, frames: int, way: str, tlb_entries: int = 8, seed: int = 1
    ) -> None:
        """Start with empty tables.

        Args:
            pages: of the program's address space.
            frames: that the guest's kernel has for them.
            way: a name of `TRANSLATORS`.
            tlb_entries: translations that the hardware remembers.
            seed: of the pages that lose their frame when there is none left.
        """
        if frames < 2:
            raise ValueError("a program needs two frames: one for its code, one for its data")
        self._pages = pages
        self._translator = TRANSLATORS[way](frames)
        self._tlb = TLB(tlb_entries, tagged=True)
        tables = frames_from(TABLES + PAGE)
        self._table = AddressSpace(self._translator.entries, tables, root=TABLES)
        self._free = [DATA + number * PAGE for number in range(frames)]
        self._frame_of: dict[int, int] = {}
        self._words: dict[int, list[int]] = {}  # by the guest's frame
        self._swap: dict[int, list[int]] = {}
        self._guests_frame: dict[int, int] = {}  # by the host's
        self._choose = random.Random(seed).choice
        self.counts = Counts()

    def __len__(self) -> int:
        return self._pages * PAGE_WORDS

    def __getitem__(self, address: int) -> int:
        return self._page(address)[address % PAGE_WORDS]

    def __setitem__(self, address: int, word: int) -> None:
        self._page(address)[address % PAGE_WORDS] = word

    def _page(self, address: int) -> list[int]:
        """Return the words of the page that an address lies on, by way of the hardware."""
        page = address // PAGE_WORDS * PAGE
        self.counts.accesses += 1
        frame = self._tlb.lookup(page)
        if frame is None:
            self.counts.misses += 1
            frame = self._walk(page)
            self._tlb.insert(page, frame)
        return self._words[self._guests_frame[frame]]

    def _walk(self, page: int) -> int:
        while True:
            try:
                frame, references = self._translator.find(page)
            except PageFaultError as fault:
                if fault.stage is Stage.HOST:
                    raise
                self._serve(page)
                continue
            finally:
                self.counts.exits = self._translator.exits
            self.counts.references += references
            self._guests_frame[frame] = self._frame_of[page]
            return frame

    def _serve(self, page: int) -> None:
        """Do what the guest's kernel does on a page fault: find a frame and enter it."""
        self.counts.faults += 1
        if not self._free:
            loser = self._choose([one for one in self._frame_of if one])  # page 0 is the code
            frame = self._frame_of.pop(loser)
            self._table.unmap(loser)
            self._tlb.invalidate(loser)
            self._swap[loser] = self._words.pop(frame)
            self._free.append(frame)
        frame = self._free.pop()
        self._words[frame] = self._swap.pop(page, []) or [0] * PAGE_WORDS
        self._frame_of[page] = frame
        self._table.map(page, frame)


class PagedMachine(Machine):
    """The toy computer with paged memory."""

    def __init__(self, memory: PagedMemory, isa: Isa = CLEAN) -> None:
        self._power_up(memory, isa)


def visitor(pages: int, rounds: int) -> str:
    """Return a program for the toy CPU that adds one to a word of each page, again and again.

    It writes the number of rounds that the last page has seen, and halts.

    Args:
        pages: of data, behind the page of the program itself.
        rounds: how often it visits each.
    """
    return f"""
            li r0, 0
            li r1, {rounds}
    round:  li r2, {pages}
            li r3, {PAGE_WORDS}
    visit:  ld r4, r3, 0
            addi r4, 1
            st r4, r3, 0
            addi r3, {PAGE_WORDS}
            addi r2, -1
            bne r2, r0, visit
            addi r1, -1
            bne r1, r0, round
            out r4
            halt
    """
