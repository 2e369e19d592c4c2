"""Passthrough: a guest drives a real card, an IOMMU fences the card in, interrupts are injected.

A card reads and writes memory by itself (DMA). The guest tells it where, in guest-physical
addresses, and the card takes them for host-physical ones. The IOMMU is a page table between the
card and memory: it puts the guest's addresses right, and refuses all others. A card with SR-IOV
shows several functions, each of which can belong to another guest.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping

PAGE = 4096


class DmaFaultError(Exception):
    """The IOMMU refused a transfer."""


class Iommu:
    """A page table for each function of a card, from guest-physical to host-physical pages.

    Attributes:
        faults: the transfers refused, by function.
    """

    def __init__(self) -> None:
        self.faults: Counter[str] = Counter()
        self._tables: dict[str, Mapping[int, int]] = {}

    def assign(self, function: str, table: Mapping[int, int]) -> None:
        """Give a function to the guest whose memory this table describes, by page addresses."""
        self._tables[function] = table

    def translate(self, function: str, address: int) -> int:
        """Return the host-physical address; DmaFaultError if the function has no business there."""
        offset = address % PAGE
        page = self._tables.get(function, {}).get(address - offset)
        if page is None:
            self.faults[function] += 1
            raise DmaFaultError(f"{function} may not touch {address:#x}")
        return page + offset


class Card:
    """A network card that writes what it receives into memory, where its driver told it to.

    Args:
        memory: the host's memory.
        iommu: what stands between; None for none.
        functions: names of its functions; more than one is SR-IOV.
    """

    def __init__(self, memory: bytearray, iommu: Iommu | None, functions: tuple[str, ...]) -> None:
        self._memory, self._iommu = memory, iommu
        self._buffers: dict[str, deque[int]] = {name: deque() for name in functions}

    def offer(self, function: str, address: int) -> None:
        """Let a driver offer a buffer: one write to the card's register, and no exit."""
        self._buffers[function].append(address)

    def receive(self, function: str, data: bytes) -> bool:
        """Take a packet from the wire and write it into the next buffer, byte by byte.

        Returns:
            Whether it arrived: not if the driver offered no buffer, or if the IOMMU refused. Bytes
            before the refused one have been written.
        """
        if not self._buffers[function]:
            return False
        start = self._buffers[function].popleft()
        try:
            for number, byte in enumerate(data):
                place = start + number
                if self._iommu:
                    place = self._iommu.translate(function, place)
                self._memory[place] = byte
        except (DmaFaultError, IndexError):
            return False
        return True


class Interrupts:
    """The interrupts of one virtual processor, and the exits that they cost.

    Without help, the processor leaves the guest when an interrupt arrives (the hypervisor has to
    *inject* it), again when the guest allows interrupts after it did not, and once more when the
    guest says that it is done. With posted interrupts it does all three by itself.

    Attributes:
        posted: whether the hardware delivers into a running guest.
        running: whether the guest has a processor now; a sleeping one has to be woken, exit or no.
        allowed: the guest's interrupt flag.
        delivered: vectors that reached the guest, in order.
        exits: by reason.
        wakes: times a sleeping guest was woken.
    """

    def __init__(self, posted: bool) -> None:
        self.posted = posted
        self.running = True
        self.allowed = True
        self.delivered: list[int] = []
        self.exits: Counter[str] = Counter()
        self.wakes = 0
        self._pending: deque[int] = deque()

    def arrive(self, vector: int) -> None:
        """A device's interrupt comes in."""
        if not self.running:
            self.wakes += 1
            self.running = True
        elif not self.posted:
            self.exits["an interrupt arrives"] += 1
        self._pending.append(vector)
        if self.allowed:
            self._deliver()

    def allow(self) -> None:
        """The guest allows interrupts again."""
        self.allowed = True
        if self._pending and not self.posted:
            self.exits["the guest allows interrupts"] += 1
        self._deliver()

    def done(self) -> None:
        """The guest says that it has handled an interrupt."""
        if not self.posted:
            self.exits["the guest is done with it"] += 1

    def _deliver(self) -> None:
        while self._pending:
            self.delivered.append(self._pending.popleft())
