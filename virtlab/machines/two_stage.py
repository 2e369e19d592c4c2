"""Two-stage address translation, as nested page tables (AMD) and EPT (Intel) do it in hardware.

The guest's tables map guest-virtual to guest-physical addresses, the host's map guest-physical to
host-physical ones. The guest's entries lie at guest-physical addresses too, so each of them needs
a walk of the host's table before it can be read: n guest and m host levels cost nm + n + m memory
references at most, 24 for 4 and 4 (Bhargava et al., 2008).
"""

from __future__ import annotations

from dataclasses import dataclass

from virtlab.machines.paging import (
    X86_64,
    Access,
    AddressSpace,
    Geometry,
    PageFaultError,
    Readable,
    Stage,
    walk,
)


@dataclass(frozen=True)
class NestedTranslation:
    """Where a guest-virtual address leads.

    Attributes:
        guest_physical: what the guest takes for the physical address.
        host_physical: where the byte is.
        references: every entry read, in order: whose it is, and its host-physical address.
    """

    guest_physical: int
    host_physical: int
    references: tuple[tuple[Stage, int], ...]


def two_stage(
    memory: Readable,
    guest_root: int,
    host_root: int,
    address: int,
    access: Access = Access.READ,
    guest: Geometry = X86_64,
    host: Geometry = X86_64,
) -> NestedTranslation:
    """Translate a guest-virtual address to a host-physical one.

    Args:
        memory: host-physical memory; the guest's tables are in it, where the host put them.
        guest_root: guest-physical address of the guest's top table.
        host_root: host-physical address of the host's top table.
        address: guest-virtual.
        access: what is to be done there. Reading a guest's table entry needs only reading.
        guest: shape of the guest's table.
        host: shape of the host's table.

    Raises:
        PageFaultError: with the stage at fault.
    """
    second = _SecondStage(memory, host_root, host)
    try:
        guest_physical = walk(second, guest_root, address, access, guest).physical
    except PageFaultError as fault:
        if fault.stage is Stage.GUEST:
            fault.references = len(second.references)
        raise
    host_physical = second.translate(guest_physical, access)
    return NestedTranslation(guest_physical, host_physical, tuple(second.references))


class _SecondStage:
    """Reads the guest's entries by guest-physical address, walking the host's table for each."""

    def __init__(self, memory: Readable, root: int, geometry: Geometry) -> None:
        self._memory, self._root, self._geometry = memory, root, geometry
        self.references: list[tuple[Stage, int]] = []

    def translate(self, address: int, access: Access) -> int:
        needs = Access.WRITE if access in (Access.WRITE, Access.USER_WRITE) else Access.READ
        try:
            translation = walk(self._memory, self._root, address, needs, self._geometry)
        except PageFaultError as fault:
            count = len(self.references) + fault.references
            raise PageFaultError(address, fault.level, fault.reason, count, Stage.HOST) from None
        self.references += [(Stage.HOST, place) for place in translation.references]
        return translation.physical

    def get(self, address: int, default: int, /) -> int:
        place = self.translate(address, Access.READ)
        self.references.append((Stage.GUEST, place))
        return self._memory.get(place, default)


class GuestMemory:
    """What a guest sees as its physical memory: each address goes through the host's table.

    A guest that builds its page tables in here has them in host memory, scattered as the host
    likes, and finds them again by its own addresses. An address that the host does not back
    raises PageFaultError.
    """

    def __init__(self, host: AddressSpace) -> None:
        self.host = host

    def get(self, address: int, default: int, /) -> int:
        """Return the entry at a guest-physical address."""
        return self.host.memory.get(self.host.walk(address).physical, default)

    def __setitem__(self, address: int, entry: int) -> None:
        """Write the entry at a guest-physical address."""
        self.host.memory[self.host.walk(address, Access.WRITE).physical] = entry
