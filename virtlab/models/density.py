"""How many guests fit into a host's memory."""

from __future__ import annotations


def density(host: int, guest: int, overhead: int, shared: int = 0) -> int:
    """Return how many equal guests fit; all sizes in one unit (MiB, say).

    Assumption: memory alone decides, and all that is promised is used. The first guest pays for
    the shared part, every further one does without it.

    Args:
        host: memory for guests and their monitors.
        guest: memory of one guest.
        overhead: what its monitor needs besides (device emulation, page tables).
        shared: part of ``guest`` that is the same in all and kept once.

    Raises:
        ValueError: if a number is out of range.
    """
    if min(host, guest, overhead, shared) < 0:
        raise ValueError("sizes are 0 or more")
    if shared > guest or shared == guest + overhead:
        raise ValueError("shared is a part of guest, and a guest needs something of its own")
    return max(0, (host - shared) // (guest + overhead - shared))
