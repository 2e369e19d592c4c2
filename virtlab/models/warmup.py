"""Whether a series of repetitions ever becomes steady, and from where on.

The series is cut into blocks, and a block counts by its median, so that one disturbed repetition
changes nothing. Then the blocks are divided into segments of equal level: the division with the
least squared error of the logarithms, where each further segment must pay its price (Jackson et
al., "An algorithm for optimal partitioning of data on an interval", 2005; PELT, which Barrett et
al. use for virtual machines, finds the same division faster). What follows the last change that
matters is the steady state, if it is long enough.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

BLOCK = 3
TOLERANCE = 0.2  # a virtual machine with neighbours changes its own speed by a tenth
LEAST_SHARE = 0.3
SHORTEST = 5  # blocks; what is shorter is a disturbance and not a level
EARLY = 5  # but in the first fifth of a series, where a runtime may warm up in a moment
_RESOLUTION = 0.01  # below 1 % we trust no clock


class Verdict(NamedTuple):
    """What became of a series.

    Attributes:
        kind: "flat", "warm-up", "slowdown" (it was faster before), or "never" (not steady).
        steady_from: the first repetition of the steady state, from 0; None if there is none.
        steady: the level there, the median of its blocks; None if there is none.
        changes: the repetitions at which a segment begins, without the first.
    """

    kind: str
    steady_from: int | None
    steady: float | None
    changes: tuple[int, ...]


def classify(
    series: Sequence[float],
    block: int = BLOCK,
    tolerance: float = TOLERANCE,
    least_share: float = LEAST_SHARE,
) -> Verdict:
    """Say whether a series becomes steady.

    Args:
        series: one positive time for each repetition.
        block: how many repetitions count as one, by their median; what is left over at the end
            is not looked at.
        tolerance: levels that differ by less than this share are the same.
        least_share: the share of the series that a steady state must have at least.

    Raises:
        ValueError: for a series without a whole block, or with a time that is not positive.
    """
    levels = [median(series[at : at + block]) for at in range(0, len(series) - block + 1, block)]
    if not levels or min(series) <= 0:
        raise ValueError("a series needs one block at least, and positive times")
    logs = [math.log(level) for level in levels]
    starts = segments(logs)
    heights = [
        median(logs[begin:stop])
        for begin, stop in zip(starts, [*starts[1:], len(logs)], strict=True)
    ]
    near = math.log(1 + tolerance)
    first = len(heights) - 1
    while first > 0 and abs(heights[first - 1] - heights[-1]) <= near:
        first -= 1
    changes = tuple(start * block for start in starts[1:])
    if len(levels) - starts[first] < least_share * len(levels):
        return Verdict("never", None, None, changes)
    steady = median(levels[starts[first] :])
    if first == 0:
        return Verdict("flat", 0, steady, changes)
    kind = "slowdown" if min(heights[:first]) < heights[-1] - near else "warm-up"
    return Verdict(kind, starts[first] * block, steady, changes)


def segments(values: Sequence[float], shortest: int = SHORTEST) -> list[int]:
    """Divide values into segments of equal level and return where each begins.

    The price of a segment grows with the noise, which is estimated from neighbours' differences.

    Args:
        values: one or more.
        shortest: how many values a segment has at least, but for early ones.
    """
    count = len(values)
    if count < shortest:
        return [0]
    early = count // EARLY
    price = 3 * _noise(values) ** 2 * math.log(max(count, 2))
    sums, squares = [0.0], [0.0]
    for value in values:
        sums.append(sums[-1] + value)
        squares.append(squares[-1] + value * value)

    def error(begin: int, stop: int) -> float:
        total = sums[stop] - sums[begin]
        return squares[stop] - squares[begin] - total * total / (stop - begin)

    best, last = [-price, *[math.inf] * count], [0] * (count + 1)
    for stop in range(1, count + 1):
        latest = stop - 1 if stop <= early else stop - shortest
        best[stop], last[stop] = min(
            ((best[begin] + error(begin, stop) + price, begin) for begin in range(latest + 1)),
            default=(math.inf, 0),
        )
    starts, stop = [], count
    while stop > 0:
        starts.append(last[stop])
        stop = last[stop]
    return starts[::-1]


def _noise(values: Sequence[float]) -> float:
    """The standard deviation around a level that may jump, but seldom."""
    steps = [abs(after - before) for before, after in itertools.pairwise(values)]
    return max(1.4826 * median(steps) / math.sqrt(2), _RESOLUTION) if steps else _RESOLUTION
