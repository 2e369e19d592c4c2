"""CPU bandwidth control: a quota of CPU time in each period, as Linux's CFS enforces it.

Assumptions: periods begin at 0, period, 2·period, …; quota left over is lost; the quota is one
pool, not handed out in slices to each CPU as the kernel does; nothing else runs. Times are whole
numbers in one unit of the caller's choice (milliseconds, say). After Turner, Rao and Rao, "CPU
bandwidth control for CFS" (2010).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Throttling:
    """What a quota did to one thread.

    Attributes:
        finished: when each burst was done, in the order given.
        periods: how many periods the thread was throttled in (``nr_throttled``).
        waited: how long it was throttled in all (``throttled_time``).
    """

    finished: tuple[int, ...]
    periods: int
    waited: int


def throttled(quota: int, period: int, bursts: Sequence[tuple[int, int]]) -> Throttling:
    """Run bursts of one thread under a quota.

    Args:
        quota: CPU time allowed in each period; the period or more never throttles.
        period: length of a period.
        bursts: (arrival, CPU time needed), by arrival; served in order, one after the other.

    Returns:
        A burst that ends at the very moment the quota does is not throttled. A burst of no work is
        done when it arrives or the one before is done.

    Raises:
        ValueError: if quota or period is not above 0, or bursts are unordered or negative.
    """
    if quota <= 0 or period <= 0:
        raise ValueError("quota and period are above 0")
    if any(arrival < 0 or work < 0 for arrival, work in bursts):
        raise ValueError("a burst's arrival and work are 0 or more")
    if any(first[0] > second[0] for first, second in pairwise(bursts)):
        raise ValueError("bursts are given by arrival")
    now = waited = periods = 0
    number, left = 0, quota
    finished = []
    for arrival, work in bursts:
        now = max(now, arrival)
        while True:
            if now // period > number:
                number, left = now // period, quota
            end = (number + 1) * period
            ran = min(work, left, end - now)
            now, work, left = now + ran, work - ran, left - ran
            if work == 0:
                break
            if left == 0 and now < end:
                periods += 1
                waited += end - now
                now = end
        finished.append(now)
    return Throttling(tuple(finished), periods, waited)


def finish_time(work: float, quota: float, period: float, threads: int = 1) -> float:
    """Return when parallel work is done under a quota, in the unit of the arguments.

    Args:
        work: CPU time in all, divided evenly among the threads.
        quota: CPU time allowed in each period, all threads together.
        period: length of a period.
        threads: each has a CPU of its own, and all run from time 0 whenever the quota allows.

    Returns:
        The time of the last thread's end. Threads spend a quota faster, so once throttled they
        end hardly sooner than one thread would.

    Raises:
        ValueError: if a number is out of range.
    """
    if work < 0 or quota <= 0 or period <= 0 or threads < 1:
        raise ValueError("work is 0 or more; quota, period and threads are above 0")
    a_period = min(quota, threads * period)
    whole_periods = max(0, -(-work // a_period) - 1)
    return whole_periods * period + (work - whole_periods * a_period) / threads
