"""Shadow paging: two translations folded into one table, kept in step with the guest's by traps.

Without a second stage in hardware, the hypervisor gives the processor a table of its own, the
shadow, that maps guest-virtual straight to host-physical addresses. It write-protects the guest's
tables, so that each write to them exits, and fills the shadow when the processor misses in it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping

from virtlab.machines.paging import (
    RW,
    X86_64,
    Access,
    AddressSpace,
    Entries,
    Flag,
    Geometry,
    PageFaultError,
    Stage,
    Translation,
    frames_from,
    walk,
)


def shadow_table(guest: Mapping[int, int], p2m: Mapping[int, int]) -> dict[int, int]:
    """Compose two page maps: the idea of a shadow table, without levels.

    Args:
        guest: virtual page number to guest frame number.
        p2m: guest frame number ("physical") to host frame number ("machine").

    Returns:
        Virtual page number to host frame number, for the pages whose frame the host backs.
    """
    return {page: p2m[frame] for page, frame in guest.items() if frame in p2m}


class ShadowPaging:
    """A hypervisor's shadow of one guest page table.

    Attributes:
        exits: counts of "table write" (the guest wrote into its table), "shadow fill" (a hidden
            fault: the guest never hears of it) and "guest fault" (handed to the guest).
        shadow: the table that the processor would use, with guest-virtual addresses.
    """

    def __init__(
        self,
        guest_memory: Entries,
        guest_root: int,
        p2m: Mapping[int, int],
        geometry: Geometry = X86_64,
        frames: Iterator[int] | None = None,
    ) -> None:
        """Start with an empty shadow.

        Args:
            guest_memory: the guest's entries by guest-physical address.
            guest_root: guest-physical address of its top table.
            p2m: guest-physical to host-physical page addresses, in bytes.
            geometry: of the guest's table; the shadow has the same.
            frames: host frames for the shadow's own tables.
        """
        self.guest_memory = guest_memory
        self.guest_root = guest_root
        self.p2m = p2m
        self.geometry = geometry
        self.shadow = AddressSpace({}, frames or frames_from(1 << 40), geometry)
        self.exits: Counter[str] = Counter()
        self._pages_by_entry: defaultdict[int, set[int]] = defaultdict(set)

    def guest_writes(self, place: int, entry: int) -> None:
        """Let the guest write an entry of its table: an exit, and what hung on it is forgotten.

        Args:
            place: guest-physical address of the entry.
            entry: its new value.
        """
        self.exits["table write"] += 1
        self.guest_memory[place] = entry
        for page in self._pages_by_entry.pop(place, ()):
            self.shadow.unmap(page)

    def translate(self, address: int, access: Access = Access.READ) -> Translation:
        """Translate as the processor does: from the shadow, filled first if it has to be.

        Raises:
            PageFaultError: in the guest stage, a fault of the guest's own; in the host stage, a
                frame that the host does not back.
        """
        try:
            return self.shadow.walk(address, access)
        except PageFaultError:
            self._fill(address, access)
            return self.shadow.walk(address, access)

    def _fill(self, address: int, access: Access) -> None:
        try:
            guest = walk(self.guest_memory, self.guest_root, address, access, self.geometry)
        except PageFaultError:
            self.exits["guest fault"] += 1
            raise
        offset = address % self.geometry.page
        frame = self.p2m.get(guest.physical - offset)
        if frame is None:
            raise PageFaultError(guest.physical, 1, "not present", 0, Stage.HOST)
        self.exits["shadow fill"] += 1
        page = address - offset
        self.shadow.map(page, frame, guest.flags & RW | Flag.PRESENT)
        for place in guest.references:
            self._pages_by_entry[place].add(page)
