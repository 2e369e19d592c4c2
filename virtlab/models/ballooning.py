"""Taking memory back from guests: balloons first, host swap for the rest.

Assumptions: guests were promised more memory than the host has, and all of it is touched. A
balloon driver asks the guest, which gives up idle memory. The host's own swapping cannot tell idle
memory from memory in use and takes both alike. Sizes are whole MiB. After Waldspurger (2002),
"Memory Resource Management in VMware ESX Server", without its idle memory tax.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Guest:
    """A guest and its memory, in MiB.

    Attributes:
        name: unique.
        host: where it runs.
        size: what it was promised.
        needed: its working set, at most its size.
        balloon_limit: what its balloon may take at most; 0 without a driver, None for no limit.
    """

    name: str
    host: str
    size: int
    needed: int
    balloon_limit: int | None = None

    @property
    def idle(self) -> int:
        """What a balloon can take without hurting."""
        idle = self.size - self.needed
        return idle if self.balloon_limit is None else min(idle, self.balloon_limit)


@dataclass(frozen=True)
class Reclaimed:
    """What a guest lost, in MiB.

    Attributes:
        ballooned: idle memory that the guest gave up.
        swapped: memory that the host swapped out.
        hurt: how much of the swapped memory is in use, as an expected value.
    """

    ballooned: int
    swapped: int
    hurt: float


def balloon(hosts: Mapping[str, int], guests: Sequence[Guest]) -> dict[str, Reclaimed]:
    """Make the guests of each host fit into its memory.

    What is short is taken by balloon in proportion to idle memory; if that is not enough, the rest
    is swapped in proportion to what each guest still has. Shares are rounded to whole MiB by
    largest remainder; ties go to the guest named first.

    Args:
        hosts: memory of each host, in MiB.
        guests: all guests.

    Returns:
        For each guest's name what it lost; zeros where its host has room.

    Raises:
        ValueError: for an unknown host, a doubled name or a number out of range.
    """
    for guest in guests:
        if guest.host not in hosts:
            raise ValueError(f"guest {guest.name}: there is no host {guest.host}")
        if not 0 <= guest.needed <= guest.size or (guest.balloon_limit or 0) < 0:
            raise ValueError(f"guest {guest.name}: needs 0 <= needed <= size, balloon_limit >= 0")
    if len({guest.name for guest in guests}) < len(guests):
        raise ValueError("two guests have the same name")
    reclaimed: dict[str, Reclaimed] = {}
    for host, memory in hosts.items():
        reclaimed |= _fit([guest for guest in guests if guest.host == host], memory)
    return {guest.name: reclaimed[guest.name] for guest in guests}


def _fit(guests: Sequence[Guest], memory: int) -> dict[str, Reclaimed]:
    short = max(0, sum(guest.size for guest in guests) - memory)
    idle = [guest.idle for guest in guests]
    ballooned = in_proportion(min(short, sum(idle)), idle)
    left = [guest.size - taken for guest, taken in zip(guests, ballooned, strict=True)]
    swapped = in_proportion(short - sum(ballooned), left)
    return {
        guest.name: Reclaimed(b, s, s * guest.needed / rest if rest else 0.0)
        for guest, b, s, rest in zip(guests, ballooned, swapped, left, strict=True)
    }


def in_proportion(total: int, parts: Sequence[int]) -> list[int]:
    """Divide a whole number in proportion to others, none getting more than its part.

    Rounded by largest remainder; ties go to the first. ``total`` is at most the sum of ``parts``.
    """
    whole = sum(parts)
    if not whole:
        return [0] * len(parts)
    shares = [total * part // whole for part in parts]
    by_remainder = sorted(range(len(parts)), key=lambda i: (-(total * parts[i] % whole), i))
    for i in by_remainder[: total - sum(shares)]:
        shares[i] += 1
    return shares
