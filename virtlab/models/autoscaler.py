"""An autoscaler that starts replicas when load rises, and what their start-up time costs.

Assumptions: time goes in ticks; each replica serves the same number of requests in a tick; the
scaler sees the present load and decides once a tick, as Kubernetes' HorizontalPodAutoscaler does
in principle (wanted = load over what one replica should carry, rounded up).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Tick:
    """One tick of a run.

    Attributes:
        wanted: replicas the scaler asks for.
        ready: replicas that serve.
        starting: replicas that have been asked for and do not serve yet.
        unserved: requests of this tick beyond what the ready ones can serve.
    """

    wanted: int
    ready: int
    starting: int
    unserved: float


def replicas(
    load: Sequence[float],
    start_time: int,
    capacity: float,
    target: float = 1.0,
    least: int = 1,
) -> list[Tick]:
    """Follow a load with replicas that take a while to start.

    In each tick: replicas whose time has come become ready; the scaler starts what is missing or
    stops what is too many (starting ones first, the last started before the others, at once);
    with a start time of 0 the started ones are ready in the same tick.

    Args:
        load: requests in each tick.
        start_time: ticks from starting a replica to its serving; 0 or more.
        capacity: requests that a replica can serve in a tick; above 0.
        target: part of its capacity that a replica is meant to carry, above 0 and up to 1.
        least: replicas at the least, ready at the beginning.

    Raises:
        ValueError: if a number is out of range.
    """
    if start_time < 0 or capacity <= 0 or not 0 < target <= 1 or least < 0:
        raise ValueError("needs start_time >= 0, capacity > 0, 0 < target <= 1 and least >= 0")
    ready = least
    starting: list[int] = []  # for each the tick in which it will be ready, ascending
    run = []
    for now, requests in enumerate(load):
        wanted = max(least, math.ceil(requests / (capacity * target)))
        while starting and starting[0] <= now:
            starting.pop(0)
            ready += 1
        missing = wanted - ready - len(starting)
        if missing > 0 and start_time == 0:
            ready += missing
        elif missing > 0:
            starting += [now + start_time] * missing
        else:
            cancelled = min(len(starting), -missing)
            del starting[len(starting) - cancelled :]
            ready -= -missing - cancelled
        unserved = max(0.0, requests - ready * capacity)
        run.append(Tick(wanted, ready, len(starting), unserved))
    return run
