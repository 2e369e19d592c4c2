"""Waiting: the M/M/1 queue, queues fed by open and closed load generators, coordinated omission.

Times are seconds, rates a second. Queues are first come, first served, and lose no one.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from random import Random


@dataclass(frozen=True)
class MM1:
    """A queue with random arrivals, random service times and one server, in its steady state.

    Assumptions: times between arrivals, and service times, are exponential and independent. The
    formulas are those of any textbook, for example Kleinrock, "Queueing Systems" (1975).

    Attributes:
        arrival_rate: customers a second; below ``service_rate``, else there is no steady state.
        service_rate: customers that the server could serve in a second.
    """

    arrival_rate: float
    service_rate: float

    def __post_init__(self) -> None:
        """Refuse a queue that grows without end."""
        if not 0 <= self.arrival_rate < self.service_rate:
            raise ValueError("a queue is steady only if arrivals come slower than they are served")

    @property
    def utilization(self) -> float:
        """The part of the time that the server is busy."""
        return self.arrival_rate / self.service_rate

    @property
    def mean_response(self) -> float:
        """Mean seconds from arrival to departure."""
        return 1 / (self.service_rate - self.arrival_rate)

    @property
    def mean_waiting(self) -> float:
        """Mean seconds from arrival to the start of service."""
        return self.mean_response * self.utilization

    @property
    def mean_customers(self) -> float:
        """Mean number of customers present (Little's law: arrival rate times mean response)."""
        return self.arrival_rate * self.mean_response

    def response_quantile(self, fraction: float) -> float:
        """Return the seconds within which this fraction of the customers depart.

        Raises:
            ValueError: if it is not from 0 to below 1: to wait for all takes for ever.
        """
        if not 0 <= fraction < 1:
            raise ValueError("a fraction is 0 or more and below 1")
        return -math.log(1 - fraction) * self.mean_response


def poisson_arrivals(rate: float, count: int, seed: int) -> list[float]:
    """Return ``count`` random arrival times, ascending, at ``rate`` a second on average."""
    return list(accumulate(exponential_services(rate, count, seed)))


def exponential_services(rate: float, count: int, seed: int) -> list[float]:
    """Return ``count`` random service times with a mean of 1 / ``rate`` seconds, rate above 0."""
    if rate <= 0:
        raise ValueError("a rate is above 0")
    random = Random(seed)
    return [random.expovariate(rate) for _ in range(count)]


def open_loop(
    arrivals: Sequence[float], services: Sequence[float], servers: int = 1
) -> list[float]:
    """Return each request's response time when requests come whether or not others are done.

    A closed-loop generator with one connection waits for each answer before it sends the next
    request. It sends late after a slow one and starts its stopwatch late too, so all that it ever
    reports is ``services``: the waiting is left out (coordinated omission, in Gil Tene's words).

    Args:
        arrivals: intended send times, ascending.
        services: service time of each.
        servers: how many serve one queue.

    Raises:
        ValueError: if the lengths differ, there is no server or arrivals are not ascending.
    """
    if len(arrivals) != len(services):
        raise ValueError(f"{len(arrivals)} arrivals for {len(services)} service times")
    if servers < 1:
        raise ValueError("a queue has one server at least")
    if any(first > second for first, second in pairwise(arrivals)):
        raise ValueError("arrivals are ascending")
    free = [0.0] * servers
    responses = []
    for arrival, service in zip(arrivals, services, strict=True):
        end = max(arrival, heapq.heappop(free)) + service
        heapq.heappush(free, end)
        responses.append(end - arrival)
    return responses


def corrected_latencies(raw: Sequence[float], interval: float) -> list[float]:
    """Add the latencies that a waiting load generator left out.

    For each latency L the requests that should have been sent meanwhile would have seen
    L - interval, L - 2·interval, … and these are added, down to the last that is at least one
    interval. This is HdrHistogram's correction.

    Args:
        raw: measured latencies, in any order.
        interval: intended time between requests; above 0.

    Returns:
        Every raw latency and, right behind it, those added for it.

    Raises:
        ValueError: if the interval is not above 0.
    """
    if interval <= 0:
        raise ValueError("the interval is above 0")
    corrected = []
    for latency in raw:
        left_out = max(0, math.floor(latency / interval) - 1)
        corrected += [latency - k * interval for k in range(left_out + 1)]
    return corrected
