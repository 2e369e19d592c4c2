"""Page tables after x86-64: building them, walking them, and translating in two stages.

Physical memory is a mapping from the byte address of an eight-byte table entry to its value; an
absent entry reads as 0. All addresses are byte addresses, all sizes bytes. With the default
geometry a table is one 4 KiB page of 512 entries and an address has four 9-bit indices.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, IntFlag
from typing import Protocol

ENTRY_BYTES = 8
FRAME_MASK = 0x000F_FFFF_FFFF_F000  # bits 12 to 51 of an entry hold an address


class Readable(Protocol):
    """Memory that a walk can read; a dict will do."""

    def get(self, place: int, default: int, /) -> int:
        """Return the entry at a physical address."""


class Entries(Readable, Protocol):
    """Memory that tables can be built in; a dict will do."""

    def __setitem__(self, place: int, entry: int, /) -> None:
        """Write the entry at a physical address."""


class Flag(IntFlag):
    """The bits of an entry that this model knows, at their places in x86-64."""

    PRESENT = 1 << 0
    WRITE = 1 << 1
    USER = 1 << 2
    LARGE = 1 << 7  # above the last level: the entry maps a large page and points at no table


RW = Flag.WRITE | Flag.USER


class Access(Enum):
    """What an access needs: each kind needs this bit in every entry on its way."""

    READ = Flag(0)
    WRITE = Flag.WRITE
    USER_READ = Flag.USER
    USER_WRITE = Flag.WRITE | Flag.USER


class Stage(Enum):
    """Whose table was at fault."""

    GUEST = "guest"  # the guest's own page fault: its operating system handles it
    HOST = "host"  # a violation of the second stage: an exit to the hypervisor


class PageFaultError(Exception):
    """An address that has no translation for this access.

    Attributes:
        address: the address that could not be translated (guest-virtual in the guest stage,
            guest-physical in the host stage).
        level: the level of the entry at fault; 1 is the last.
        reason: "not present", "not writable", "not for user mode" or "not canonical".
        stage: whose table.
        references: entries read until then.
    """

    def __init__(
        self, address: int, level: int, reason: str, references: int, stage: Stage = Stage.GUEST
    ) -> None:
        super().__init__(f"{address:#x}: {reason} at level {level} of the {stage.value}'s table")
        self.address = address
        self.level = level
        self.reason = reason
        self.references = references
        self.stage = stage


@dataclass(frozen=True)
class Geometry:
    """The shape of a page table.

    Attributes:
        levels: tables on the way from the root to a page.
        index_bits: bits of the address that index one table.
        page_bits: bits of the address within a page; 12 at least.
    """

    levels: int = 4
    index_bits: int = 9
    page_bits: int = 12

    def __post_init__(self) -> None:
        """Refuse a shape whose frames an entry could not hold."""
        if self.levels < 1 or self.index_bits < 1 or self.page_bits < 12:
            raise ValueError("a page table needs a level, an index bit and 12 page bits at least")

    @property
    def page(self) -> int:
        """Bytes in a page."""
        return 1 << self.page_bits

    @property
    def size(self) -> int:
        """Bytes in the address space."""
        return 1 << self.page_bits + self.levels * self.index_bits

    def span(self, level: int) -> int:
        """Return the bytes that one entry at a level covers; level 1 is the last."""
        return 1 << self.page_bits + (level - 1) * self.index_bits

    def entry(self, table: int, address: int, level: int) -> int:
        """Return where the entry for an address lies in a table of this level."""
        index = address // self.span(level) & (1 << self.index_bits) - 1
        return table + index * ENTRY_BYTES


X86_64 = Geometry()


@dataclass(frozen=True)
class Translation:
    """Where an address leads.

    Attributes:
        physical: the physical address.
        flags: the bits that every entry on the way has.
        references: addresses of the entries read, in order; its length is the walk's cost.
        span: bytes that the last entry maps.
    """

    physical: int
    flags: Flag
    references: tuple[int, ...]
    span: int


def walk(
    memory: Readable,
    root: int,
    address: int,
    access: Access = Access.READ,
    geometry: Geometry = X86_64,
) -> Translation:
    """Translate an address as the hardware does, one memory reference a level.

    Raises:
        PageFaultError: with the level and the reason; absence is found before lack of a right.
    """
    if not 0 <= address < geometry.size:
        raise PageFaultError(address, geometry.levels, "not canonical", 0)
    table, flags = root, ~Flag(0)
    references: list[int] = []
    for level in range(geometry.levels, 0, -1):
        place = geometry.entry(table, address, level)
        references.append(place)
        entry = memory.get(place, 0)
        if not entry & Flag.PRESENT:
            raise PageFaultError(address, level, "not present", len(references))
        flags &= Flag(entry & (Flag.PRESENT | Flag.WRITE | Flag.USER))
        reason = _missing_right(access, flags)
        if level == 1 or entry & Flag.LARGE:
            if reason:
                raise PageFaultError(address, level, reason, len(references))
            span = geometry.span(level)
            frame = entry & FRAME_MASK & -span
            return Translation(frame + address % span, flags, tuple(references), span)
        table = entry & FRAME_MASK
    raise AssertionError("a walk ends at level 1")


def _missing_right(access: Access, flags: Flag) -> str:
    if access.value & Flag.USER and not flags & Flag.USER:
        return "not for user mode"
    if access.value & Flag.WRITE and not flags & Flag.WRITE:
        return "not writable"
    return ""


@dataclass
class AddressSpace:
    """A page table under construction, with the frames that hold it.

    Attributes:
        memory: where the entries are kept; may be a guest's view of its memory.
        frames: yields the address of a free frame whenever a new table is needed.
        geometry: its shape.
        root: the address of the top table; taken from ``frames`` unless given.
        tables: frames that hold tables, root included.
    """

    memory: Entries
    frames: Iterator[int]
    geometry: Geometry = X86_64
    root: int = -1
    tables: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Take a frame for the root."""
        if self.root < 0:
            self.root = next(self.frames)
        self.tables.add(self.root)

    def map(self, virtual: int, physical: int, flags: Flag = RW, level: int = 1) -> None:
        """Map one page, or a large page at a level above 1; missing tables are made.

        Raises:
            ValueError: if an address is not aligned to the page or out of range, or if a large
                page lies in the way.
        """
        span = self.geometry.span(level)
        if virtual % span or physical % span or not 0 <= virtual < self.geometry.size:
            raise ValueError(f"cannot map {virtual:#x} to {physical:#x} as a page of {span} bytes")
        table = self.root
        for above in range(self.geometry.levels, level, -1):
            table = self._next_table(self.geometry.entry(table, virtual, above))
        large = Flag.LARGE if level > 1 else Flag(0)
        entry = self.geometry.entry(table, virtual, level)
        self.memory[entry] = physical | flags | large | Flag.PRESENT

    def unmap(self, virtual: int) -> bool:
        """Remove the page at an address; return False if there was none. Tables stay."""
        try:
            last = self.walk(virtual).references[-1]
        except PageFaultError:
            return False
        self.memory[last] = 0
        return True

    def walk(self, address: int, access: Access = Access.READ) -> Translation:
        """Translate an address; see the function of this name."""
        return walk(self.memory, self.root, address, access, self.geometry)

    def _next_table(self, place: int) -> int:
        entry = self.memory.get(place, 0)
        if entry & Flag.LARGE:
            raise ValueError("a large page is mapped there already")
        if not entry & Flag.PRESENT:
            entry = next(self.frames) | RW | Flag.PRESENT
            self.memory[place] = entry
            self.tables.add(entry & FRAME_MASK)
        return entry & FRAME_MASK


def frames_from(start: int, geometry: Geometry = X86_64) -> Iterator[int]:
    """Yield the addresses of frames one after the other: an allocator that never frees."""
    size = max(geometry.page, ENTRY_BYTES << geometry.index_bits)
    while True:
        yield start
        start += size
