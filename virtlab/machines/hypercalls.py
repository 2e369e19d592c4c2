"""Batching hypercalls: one call to the hypervisor carries many page-table updates.

A paravirtual guest may put updates off, but not past a flush: once it flushes its TLB it relies on
every update before. Xen's ``mmu_update`` and multicalls work in this way (Barham et al., 2003, "Xen
and the Art of Virtualization").
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

FLUSH: Final = "flush"
Update = tuple[int, int] | Literal["flush"]  # (page, frame), or a barrier


def hypercalls(updates: Iterable[Update], batch: int) -> list[list[Update]]:
    """Group updates into hypercalls.

    Args:
        updates: (page, frame) pairs and ``FLUSH`` barriers, in the guest's order.
        batch: operations that one hypercall carries at most, a flush included; 1 or more.

    Returns:
        The hypercalls, each a list of operations. The order is the guest's. A call is made when it
        is full, after each flush, and at the end for what is left. A flush with no update since
        the last one is left out: there is nothing to flush.

    Raises:
        ValueError: if ``batch`` is below 1.
    """
    if batch < 1:
        raise ValueError("a hypercall carries one operation at least")
    calls: list[list[Update]] = []
    pending: list[Update] = []
    is_flushed = True
    for update in updates:
        if update == FLUSH and is_flushed:
            continue
        is_flushed = update == FLUSH
        pending.append(update)
        if is_flushed or len(pending) == batch:
            calls.append(pending)
            pending = []
    return [*calls, pending] if pending else calls
