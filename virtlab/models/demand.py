"""Made-up but plausible CPU demand of many machines, and what sharing does to its peaks.

Assumptions: most machines are nearly idle and a few are busy (the means are log-normal); all
follow the day, with peaks some hours apart; on top comes noise. The shape resembles published
traces of data centres; the numbers are drawn at random and stand for no real one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random

from virtlab.models.placement import Request


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


def daily_requests(
    tenants: Sequence[str],
    seed: int,
    per_day: float | Sequence[float] = 60.0,
    sizes: Sequence[int] = (1, 2, 2, 4, 8),
    mean_hours: float = 2.0,
    swing: float = 0.9,
    hours_apart: float = 0.0,
) -> list[Request]:
    """Return a day of requests for machines, in the order in which they come.

    They come at random (a Poisson process whose rate follows the day) and stay for a time that is
    exponentially distributed.

    Args:
        tenants: who asks.
        seed: of everything random.
        per_day: how many machines a tenant asks for on average; one number for all, or one each.
        sizes: what they ask for, each as likely as it stands here.
        mean_hours: how long a machine stays on average.
        swing: how far the rate rises and falls over the day, as a part of its mean, from 0 to 1.
        hours_apart: how much later each tenant's peak comes than that of the one before; the
            first has it at 14:00.

    Raises:
        ValueError: if a number is out of range, or there is not one ``per_day`` for each tenant.
    """
    rates = [float(per_day)] * len(tenants) if isinstance(per_day, int | float) else [*per_day]
    if len(rates) != len(tenants) or min(rates, default=1.0) <= 0:
        raise ValueError("needs per_day above 0, one for all tenants or one for each")
    if not sizes or mean_hours <= 0 or not 0 <= swing <= 1:
        raise ValueError("needs sizes, mean_hours above 0 and 0 <= swing <= 1")
    random = Random(seed)
    requests = []
    for number, (tenant, rate) in enumerate(zip(tenants, rates, strict=True)):
        peak = 14 + number * hours_apart
        highest = rate / 24 * (1 + swing)
        hour = random.expovariate(highest)
        while hour < 24:
            # Thinning: of the requests at the highest rate, as many stay as the hour asks for.
            level = 1 + swing * math.cos(2 * math.pi * (hour - peak) / 24)
            if random.random() * (1 + swing) < level:
                stay = random.expovariate(1 / mean_hours)
                requests.append(Request(tenant, random.choice(sizes), hour, max(stay, 1e-6)))
            hour += random.expovariate(highest)
    return sorted(requests, key=lambda request: request.start)
