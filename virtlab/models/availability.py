"""The probability that enough instances are up, when instances and whole hosts fail.

Assumptions: hosts fail independently of each other; an instance on a working host fails
independently of all others; an instance on a failed host is down. Nothing is repaired or moved:
the probabilities are those of one moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import comb


def availability(
    n: int, k: int, p_instance: float, p_host: float = 1.0, hosts: int | None = None
) -> float:
    """Return the probability that at least k of n instances are up.

    Args:
        n: instances, spread over the hosts as evenly as possible.
        k: instances that must be up; 0 is always met, more than n never.
        p_instance: probability that an instance is up if its host is.
        p_host: probability that a host is up.
        hosts: number of hosts; None gives each instance its own.

    Raises:
        ValueError: if a number is out of range.
    """
    if n < 0 or k < 0 or (hosts is not None and hosts < 1):
        raise ValueError("n and k are 0 or more, hosts 1 or more")
    hosts = n if hosts is None else hosts
    spread = [n // hosts + (i < n % hosts) for i in range(hosts)] if hosts else []
    return placed_availability(spread, k, p_instance, p_host)


def placed_availability(
    instances: Sequence[int], k: int, p_instance: float, p_host: float = 1.0
) -> float:
    """Return the probability that at least k instances are up, for any placement.

    Args:
        instances: how many lie on each host.
        k: as for ``availability``.
        p_instance: as for ``availability``.
        p_host: as for ``availability``.
    """
    if not 0 <= p_instance <= 1 or not 0 <= p_host <= 1:
        raise ValueError("a probability is from 0 to 1")
    up = [1.0]  # up[i]: probability that i instances are up, of the hosts counted so far
    for count in instances:
        up = _convolve(up, _up_on_host(count, p_instance, p_host))
    return sum(up[k:])


def _up_on_host(count: int, p_instance: float, p_host: float) -> list[float]:
    up = [
        p_host * comb(count, i) * p_instance**i * (1 - p_instance) ** (count - i)
        for i in range(count + 1)
    ]
    up[0] += 1 - p_host
    return up


def _convolve(first: Sequence[float], second: Sequence[float]) -> list[float]:
    result = [0.0] * (len(first) + len(second) - 1)
    for i, a in enumerate(first):
        for j, b in enumerate(second):
            result[i + j] += a * b
    return result
