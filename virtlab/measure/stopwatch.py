"""A stopwatch with named stamps, which knows what it costs itself."""

from __future__ import annotations

import itertools
import time

# On Linux this clock is CLOCK_MONOTONIC, which every process of one kernel shares: a payload's own
# stamp can be compared with the launcher's.
now_ns = time.perf_counter_ns


class Stopwatch:
    """Named moments on the monotonic clock, in nanoseconds.

    Example:
        >>> watch = Stopwatch()
        >>> watch.stamp("call") < watch.stamp("reply")
        True
    """

    def __init__(self) -> None:
        self.stamps: dict[str, int] = {}

    def stamp(self, name: str) -> int:
        """Note the moment as `name` and return it, in ns; a name used twice keeps the later one."""
        moment = now_ns()
        self.stamps[name] = moment
        return moment

    def between_ms(self, first: str, second: str) -> float:
        """Return the milliseconds from one stamp to another; KeyError names a missing stamp."""
        return (self.stamps[second] - self.stamps[first]) / 1e6


def own_cost_ns(repeats: int = 2_000) -> float:
    """Return the median cost of taking one stamp, in nanoseconds."""
    watch = Stopwatch()
    stamps = [watch.stamp("tick") for _ in range(repeats + 1)]
    gaps = sorted(later - earlier for earlier, later in itertools.pairwise(stamps))
    return float(gaps[repeats // 2])
