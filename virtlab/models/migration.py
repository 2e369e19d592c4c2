"""Moving a running machine: pre-copy and post-copy.

Pages are of one size. Pre-copy after Clark et al. (2005), "Live Migration of Virtual Machines";
post-copy after Hines, Deshpande and Gopalan (2009), "Post-Copy Live Migration of Virtual Machines".
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True)
class PreCopy:
    """How a pre-copy migration went.

    Attributes:
        rounds: rounds copied while the machine ran; the final stop-and-copy is not counted.
        total: seconds from start to the machine running at its new place.
        downtime: seconds it stood still.
        forced: True if it was stopped because rounds ran out, with more left than was allowed.
        sent: pages sent in all.
    """

    rounds: int
    total: float
    downtime: float
    forced: bool
    sent: float


def precopy(
    pages: float,
    dirty_rate: float,
    bandwidth: float,
    writable_set: float,
    max_downtime: float,
    max_rounds: int,
) -> PreCopy:
    """Copy all pages while the machine runs, then what it dirtied meanwhile, and so on.

    Assumptions: pages are dirtied at a steady rate, each new until the whole writable working set
    is dirty; the bandwidth is steady and all the migration's own.

    Args:
        pages: the machine's memory.
        dirty_rate: pages written a second.
        bandwidth: pages sent a second; above 0.
        writable_set: pages that are written again and again: no more than these are ever dirty.
        max_downtime: seconds. Once the pages left can be sent within it, the machine is stopped.
        max_rounds: rounds at most, 1 or more; after them it is stopped in any case.

    Raises:
        ValueError: if a number is out of range.
    """
    if bandwidth <= 0 or max_rounds < 1:
        raise ValueError("needs bandwidth above 0 and max_rounds of 1 or more")
    if min(pages, dirty_rate, max_downtime) < 0 or not 0 <= writable_set <= pages:
        raise ValueError("needs numbers of 0 or more, and writable_set <= pages")
    left, sent = pages, 0.0
    rounds = 0
    while rounds < max_rounds:
        rounds += 1
        sent += left
        left = min(writable_set, dirty_rate * left / bandwidth)
        if left / bandwidth <= max_downtime:
            break
    downtime = left / bandwidth
    sent += left
    return PreCopy(rounds, sent / bandwidth, downtime, downtime > max_downtime, sent)


@dataclass(frozen=True)
class PostCopy:
    """How a post-copy migration went.

    Attributes:
        downtime: seconds the machine stood still before it ran at its new place.
        total: seconds until the last page had come.
        faults: accesses that had to wait for their page.
        stalled: seconds the machine waited for pages in all.
    """

    downtime: float
    total: float
    faults: int
    stalled: float


def postcopy(
    pages: int,
    bandwidth: float,
    touch_rate: float,
    working_set: int,
    round_trip: float,
    state_pages: int,
    seed: int,
) -> PostCopy:
    """Move the processor's state first, then the pages: in order, or sooner if one is needed.

    Assumptions: the link always sends, one page after the other. The machine touches pages of its
    working set (page numbers 0 to working_set - 1) at random, at a steady rate while it runs. A
    missing page stalls all of it until the page has come: after the round trip it is the next to
    be sent. Time is counted in transfers of one page.

    Args:
        pages: the machine's memory.
        bandwidth: pages sent a second.
        touch_rate: accesses to random pages of the working set, a second.
        working_set: pages; at most ``pages``.
        round_trip: seconds to ask for a page and get its first byte.
        state_pages: size of the processor and device state, in pages.
        seed: of the random accesses.

    Raises:
        ValueError: if a number is out of range.
    """
    if not 0 <= working_set <= pages or min(bandwidth, touch_rate) <= 0 or round_trip < 0:
        raise ValueError("needs working_set <= pages, rates above 0 and round_trip >= 0")
    if state_pages < 0:
        raise ValueError("needs state_pages of 0 or more")
    random = Random(seed)
    missing = dict.fromkeys(range(pages))  # in order
    delay = math.ceil(round_trip * bandwidth)  # in slots; one slot sends one page
    wanted, ready = -1, 0  # the page the machine waits for, and the slot in which it can be sent
    faults = stalled = slot = 0
    touches = 0.0
    while missing:
        if wanted < 0:
            touches += touch_rate / bandwidth
            while touches >= 1 and wanted < 0:
                touches -= 1
                page = random.randrange(working_set) if working_set else -1
                if page in missing:
                    wanted, ready = page, slot + delay
                    faults += 1
        stalled += wanted >= 0
        sent = wanted if wanted >= 0 and slot >= ready else next(iter(missing))
        del missing[sent]
        wanted = -1 if sent == wanted else wanted
        slot += 1
    downtime = state_pages / bandwidth
    return PostCopy(downtime, downtime + slot / bandwidth, faults, stalled / bandwidth)
