"""A split virtqueue: how a virtio driver and its device pass buffers by way of shared memory.

The driver puts the heads of descriptor chains into the available ring, the device puts them back
into the used ring. Neither waits for the other; a kick (an exit of the guest) or an interrupt is
needed only if the other side asked to be woken. After Russell (2008), "virtio: Towards a De-Facto
Standard for Virtual I/O Devices", and OASIS, "Virtual I/O Device (VIRTIO) Version 1.1" (2019).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

INDEX_MASK = 0xFFFF  # ring indices have 16 bits and wrap


class QueueFullError(Exception):
    """Too few free descriptors: the driver has to wait for the device."""


class QueueError(Exception):
    """The driver put something into the queue that the device must not follow."""


@dataclass
class Descriptor:
    """One buffer of guest memory.

    Attributes:
        address, length: where it is, in bytes.
        is_writable: the device writes it (else reads it).
        next: the next descriptor of the chain, -1 at its end.
    """

    address: int = 0
    length: int = 0
    is_writable: bool = False
    next: int = -1


class Used(NamedTuple):
    """What the device gives back: a chain's head and how many bytes it wrote."""

    head: int
    written: int


@dataclass
class Queue:
    """The memory that both sides see.

    Attributes:
        memory: the guest's.
        size: descriptors and ring entries; a power of two.
        available, available_index: heads offered by the driver; the index counts them all.
        used, used_index: heads given back by the device.
        no_kick: set by the device while it looks by itself.
        no_interrupt: set by the driver while it looks by itself.
    """

    memory: bytearray
    size: int = 8
    descriptors: list[Descriptor] = field(init=False)
    available: list[int] = field(init=False)
    available_index: int = 0
    used: list[Used] = field(init=False)
    used_index: int = 0
    no_kick: bool = False
    no_interrupt: bool = False

    def __post_init__(self) -> None:
        """Lay out empty rings."""
        if self.size < 1 or self.size & self.size - 1:
            raise ValueError("a queue's size is a power of two")
        self.descriptors = [Descriptor() for _ in range(self.size)]
        self.available = [0] * self.size
        self.used = [Used(0, 0)] * self.size


class Driver:
    """The guest's side.

    Attributes:
        kicks: times it woke the device; each is an exit.
    """

    def __init__(self, queue: Queue) -> None:
        self.queue = queue
        self.kicks = 0
        self._free = list(range(queue.size))
        self._seen = queue.used_index

    def add(
        self, readable: Sequence[tuple[int, int]], writable: Sequence[tuple[int, int]] = ()
    ) -> int:
        """Offer a chain of buffers; the device hears of it at the next kick.

        Args:
            readable: (address, length) of buffers for the device to read.
            writable: those for it to write, which come behind.

        Returns:
            The chain's head, by which it comes back.

        Raises:
            QueueFullError: if the descriptors do not suffice.
            ValueError: for no buffers at all.
        """
        queue, buffers = self.queue, [*readable, *writable]
        if not buffers:
            raise ValueError("a chain has one buffer at least")
        if len(buffers) > len(self._free):
            raise QueueFullError(f"{len(buffers)} descriptors wanted, {len(self._free)} are free")
        taken, self._free = self._free[: len(buffers)], self._free[len(buffers) :]
        for number, (address, length) in enumerate(buffers):
            following = taken[number + 1] if number + 1 < len(taken) else -1
            is_writable = number >= len(readable)
            queue.descriptors[taken[number]] = Descriptor(address, length, is_writable, following)
        queue.available[queue.available_index % queue.size] = taken[0]
        queue.available_index = queue.available_index + 1 & INDEX_MASK
        return taken[0]

    def kick(self) -> bool:
        """Wake the device, unless it said that it looks by itself; return whether it was woken."""
        self.kicks += not self.queue.no_kick
        return not self.queue.no_kick

    def collect(self) -> list[Used]:
        """Take back every chain that the device is done with, and free its descriptors."""
        queue, done = self.queue, []
        while self._seen != queue.used_index:
            entry = queue.used[self._seen % queue.size]
            self._seen = self._seen + 1 & INDEX_MASK
            done.append(entry)
            number = entry.head
            while number != -1:
                self._free.append(number)
                number = queue.descriptors[number].next
        return done


class Chain(NamedTuple):
    """A chain as the device sees it: checked, and inside guest memory."""

    head: int
    readable: bytes
    writable: list[tuple[int, int]]


class Device:
    """The hypervisor's side. It believes nothing that it finds in the queue.

    Attributes:
        interrupts: times it woke the driver.
    """

    def __init__(self, queue: Queue) -> None:
        self.queue = queue
        self.interrupts = 0
        self._seen = queue.available_index

    def take(self) -> Chain | None:
        """Take the next chain offered; None if there is none.

        Raises:
            QueueError: for a chain that is circular, leaves guest memory, or has a readable
                buffer behind a writable one.
        """
        queue = self.queue
        if self._seen == queue.available_index:
            return None
        head = queue.available[self._seen % queue.size]
        self._seen = self._seen + 1 & INDEX_MASK
        readable, writable = bytearray(), []
        for descriptor in self._follow(head):
            end = descriptor.address + descriptor.length
            if not 0 <= descriptor.address <= end <= len(queue.memory):
                raise QueueError(f"a buffer at {descriptor.address:#x} is not in guest memory")
            if descriptor.is_writable:
                writable.append((descriptor.address, descriptor.length))
            elif writable:
                raise QueueError("a readable buffer comes behind a writable one")
            else:
                readable += queue.memory[descriptor.address : end]
        return Chain(head, bytes(readable), writable)

    def give_back(self, chain: Chain, data: bytes = b"") -> None:
        """Write a reply into a chain's writable buffers and put it into the used ring.

        Raises:
            ValueError: if the reply is longer than the buffers.
        """
        if len(data) > sum(length for _, length in chain.writable):
            raise ValueError(f"{len(data)} bytes do not fit into the chain's buffers")
        queue, rest = self.queue, data
        for address, length in chain.writable:
            queue.memory[address : address + min(length, len(rest))] = rest[:length]
            rest = rest[length:]
        queue.used[queue.used_index % queue.size] = Used(chain.head, len(data))
        queue.used_index = queue.used_index + 1 & INDEX_MASK

    def interrupt(self) -> bool:
        """Wake the driver, unless it looks by itself; return whether it was woken."""
        self.interrupts += not self.queue.no_interrupt
        return not self.queue.no_interrupt

    def _follow(self, head: int) -> list[Descriptor]:
        chain: list[Descriptor] = []
        number = head
        while number != -1:
            if not 0 <= number < self.queue.size:
                raise QueueError(f"there is no descriptor {number}")
            if len(chain) == self.queue.size:
                raise QueueError("a chain goes round in a circle")
            chain.append(self.queue.descriptors[number])
            number = chain[-1].next
        return chain
