"""Made-up but plausible CPU demand of many machines, and what sharing does to its peaks.

Assumptions: most machines are nearly idle and a few are busy (the means are log-normal); all
follow the day, with peaks some hours apart; on top comes noise. The shape resembles published
traces of data centres; the numbers are drawn at random and stand for no real one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random


def daily_demand(
    machines: int,
    seed: int,
    samples: int = 96,
    median: float = 0.1,
    swing: float = 0.6,
    peak_spread: float = 3.0,
) -> list[list[float]]:
    """Return a day of CPU demand for each machine, as parts of one CPU from 0 to 1.

    Args:
        machines: how many.
        seed: of everything random.
        samples: evenly spaced over 24 hours, from midnight; 96 are a quarter of an hour apart.
        median: of the machines' mean demands.
        swing: how far demand rises and falls over the day, as a part of its mean, from 0 to 1.
        peak_spread: standard deviation of the hour of the peak, which is 14:00 on average.

    Raises:
        ValueError: if a number is out of range.
    """
    if machines < 0 or samples < 1 or not 0 < median <= 1 or not 0 <= swing <= 1:
        raise ValueError("needs machines >= 0, samples >= 1, 0 < median <= 1, 0 <= swing <= 1")
    random = Random(seed)
    day = []
    for _ in range(machines):
        mean = median * random.lognormvariate(0, 0.8)
        peak = random.gauss(14, peak_spread)
        curve = (
            1 + swing * math.cos(2 * math.pi * (24 * i / samples - peak) / 24)
            for i in range(samples)
        )
        day.append([min(1.0, mean * level * random.lognormvariate(0, 0.3)) for level in curve])
    return day


def sum_of_peaks(demand: Sequence[Sequence[float]]) -> float:
    """Return the CPUs needed if each machine has its own, large enough for its own peak."""
    return sum(max(machine, default=0.0) for machine in demand)


def peak_of_sum(demand: Sequence[Sequence[float]]) -> float:
    """Return the CPUs needed if all share one pool, large enough for the common peak."""
    return max((sum(moment) for moment in zip(*demand, strict=True)), default=0.0)
