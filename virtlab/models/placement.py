"""Placing machines on a pool of hosts: what a pool can hold, and what no single host can.

Assumptions: one resource (memory, say) in whole units; a machine lies on exactly one host; none
is moved once placed.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Policy = Literal["first", "best", "worst"]


@dataclass(frozen=True)
class Placement:
    """Where requests went.

    Attributes:
        host: for each placed request its host.
        refused: for each other request the reason, in words.
        free: what is left on each host.
    """

    host: dict[str, str]
    refused: dict[str, str]
    free: dict[str, int]


def place(
    requests: Mapping[str, int], hosts: Mapping[str, int], policy: Policy = "first"
) -> Placement:
    """Place requests in the order given, each on one host that has room.

    Args:
        requests: size of each request; 0 or more.
        hosts: free capacity of each host, in the same unit.
        policy: among hosts with room take the "first", the one left fullest ("best" fit) or the
            one left emptiest ("worst" fit); ties go to the host named first.
    """
    free = dict(hosts)
    chosen: dict[str, str] = {}
    refused: dict[str, str] = {}
    for name, size in requests.items():
        host = choose(size, free, policy)
        if host is None:
            largest = max(free.values(), default=0)
            refused[name] = (
                f"no host has {size} free: the largest has {largest}, "
                f"though the pool has {sum(free.values())}"
            )
        else:
            chosen[name] = host
            free[host] -= size
    return Placement(chosen, refused, free)


def choose(size: int, free: Mapping[str, int], policy: Policy = "first") -> str | None:
    """Return the host that a policy chooses for one request, None if none has room."""
    fitting = [host for host in free if free[host] >= size]
    if not fitting:
        return None
    if policy == "best":
        return min(fitting, key=lambda host: free[host])
    if policy == "worst":
        return max(fitting, key=lambda host: free[host])
    return fitting[0]


@dataclass(frozen=True)
class Request:
    """A machine wanted for a while.

    Attributes:
        tenant: who wants it.
        size: capacity it takes.
        start: when it is wanted; if there is no room then, it is refused for good.
        duration: how long it stays; above 0.
    """

    tenant: str
    size: int
    start: float
    duration: float


@dataclass
class Service:
    """How a pool served a series of requests.

    Attributes:
        placed: requests served.
        refused: requests turned away.
        utilization: capacity used over capacity there, averaged from the first request's start
            to the last request's wished end; 0 without requests.
    """

    placed: list[Request] = field(default_factory=list)
    refused: list[Request] = field(default_factory=list)
    utilization: float = 0.0


def serve(
    requests: Sequence[Request],
    hosts: Mapping[str, int],
    partition: Mapping[str, Collection[str]] | None = None,
    policy: Policy = "first",
) -> Service:
    """Serve requests as they come.

    Args:
        requests: in any order; at equal times in the order given. A machine that ends makes room
            for one that starts at the same moment.
        hosts: capacity of each.
        partition: for each tenant the hosts it may use (static partition); None lets every tenant
            use all of them (dynamic pool).
        policy: as for ``place``.

    Raises:
        ValueError: if a duration is not above 0, or the partition forgets a tenant or names an
            unknown host.
    """
    _check(requests, hosts, partition)
    service = Service()
    free = dict(hosts)
    running: list[tuple[float, int, str, int]] = []  # end, tie-breaker, host, size
    for number, request in enumerate(sorted(requests, key=lambda r: r.start)):
        while running and running[0][0] <= request.start:
            _, _, host, size = heapq.heappop(running)
            free[host] += size
        allowed = free if partition is None else {h: free[h] for h in partition[request.tenant]}
        chosen = choose(request.size, allowed, policy)
        if chosen is None:
            service.refused.append(request)
            continue
        service.placed.append(request)
        free[chosen] -= request.size
        end = request.start + request.duration
        heapq.heappush(running, (end, number, chosen, request.size))
    if requests and any(hosts.values()):
        first = min(request.start for request in requests)
        last = max(request.start + request.duration for request in requests)
        used = sum(request.size * request.duration for request in service.placed)
        service.utilization = used / (sum(hosts.values()) * (last - first))
    return service


def _check(
    requests: Sequence[Request],
    hosts: Mapping[str, int],
    partition: Mapping[str, Collection[str]] | None,
) -> None:
    if any(request.duration <= 0 for request in requests):
        raise ValueError("a request's duration is above 0")
    if partition is None:
        return
    for tenant in {request.tenant for request in requests} - partition.keys():
        raise ValueError(f"the partition gives tenant {tenant} no hosts")
    for host in {host for part in partition.values() for host in part} - hosts.keys():
        raise ValueError(f"the partition names a host {host} that there is not")
