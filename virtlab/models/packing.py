"""Packing machines onto as few hosts as possible: first-fit decreasing, and bounds from below.

Sizes and capacities are whole numbers in one unit (MiB, thousandths of a core, …): with fractions
rounding decides what fits. First-fit decreasing needs at most 11/9 of the best number plus 6/9
(Dósa, 2007). The bound L2 is Martello's and Toth's (1990).
"""

from __future__ import annotations

from collections.abc import Sequence


def pack(items: Sequence[int], capacity: int) -> list[list[int]]:
    """Pack items by first-fit decreasing.

    Args:
        items: sizes, 0 or more; equal ones are taken in the order given.
        capacity: of each bin.

    Returns:
        The bins, in the order they were opened, each a list of indices into ``items`` in the
        order they were put in. No items give no bins.

    Raises:
        ValueError: if an item is negative or larger than a bin.
    """
    return [list(each) for each in pack_vectors([(item,) for item in items], (capacity,))]


def pack_vectors(items: Sequence[Sequence[int]], capacity: Sequence[int]) -> list[list[int]]:
    """Pack items that need several resources at once (CPU and memory, say).

    Items are taken by the largest share of a bin that they need of any resource; else as ``pack``.

    Raises:
        ValueError: if an item does not fit into an empty bin, or has another number of resources.
    """
    for number, item in enumerate(items):
        if len(item) != len(capacity):
            raise ValueError(f"item {number} has {len(item)} resources, a bin {len(capacity)}")
        if not _fits(item, capacity):
            raise ValueError(f"item {number} does not fit into an empty bin")
    bins: list[list[int]] = []
    room: list[list[int]] = []
    for i in sorted(range(len(items)), key=lambda i: -_largest_share(items[i], capacity)):
        number = next((n for n, free in enumerate(room) if _fits(items[i], free)), len(bins))
        if number == len(bins):
            bins.append([])
            room.append(list(capacity))
        bins[number].append(i)
        room[number] = [t - n for n, t in zip(items[i], room[number], strict=True)]
    return bins


def _fits(item: Sequence[int], room: Sequence[int]) -> bool:
    return all(0 <= need <= there for need, there in zip(item, room, strict=True))


def _largest_share(item: Sequence[int], capacity: Sequence[int]) -> float:
    return max(
        (need / there for need, there in zip(item, capacity, strict=True) if there), default=0
    )


def lower_bound(items: Sequence[int], capacity: int) -> int:
    """Return a number of bins that no packing can beat: the bound L2, at least the sum's.

    For each threshold k, items above capacity - k share a bin with nothing of size k or more, and
    items above half a bin share none with each other; what else is k or larger must fit into the
    room that these leave.
    """
    best = -(-sum(items) // capacity) if items else 0
    for k in sorted({item for item in items if 0 < item <= capacity // 2}):
        alone = [item for item in items if item > capacity - k]
        large = [item for item in items if capacity - k >= item and 2 * item > capacity]
        small = [item for item in items if k <= item and 2 * item <= capacity]
        left_over = sum(small) - (len(large) * capacity - sum(large))
        best = max(best, len(alone) + len(large) + max(0, -(-left_over // capacity)))
    large_items = sum(2 * item > capacity for item in items)
    return max(best, large_items)
