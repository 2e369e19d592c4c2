"""What the same fleet costs under different licence rules.

The rules are of the kinds that vendors use; the prices are the caller's. A rule counts units on
each server, raises them to its minimums, rounds up to whole packs, and adds the servers up.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Unit = Literal["core", "socket", "vm", "vcpu", "server"]


@dataclass(frozen=True)
class LicensedServer:
    """What a rule can count on one server.

    Attributes:
        sockets: processors.
        cores: in each socket.
        vms: number of virtual CPUs of each VM on it; an empty tuple means no VM.
    """

    sockets: int
    cores: int
    vms: tuple[int, ...] = ()


@dataclass(frozen=True)
class Rule:
    """How a vendor counts.

    Attributes:
        unit: what is counted.
        price: of one unit.
        least_per_socket: units that a socket counts for at least (cores, usually).
        least_per_server: units that a server counts for at least.
        pack: units are sold in packs of this many; rounded up on each server.
        idle_servers_count: whether a server without a VM needs a licence.
        covers: VMs that one licensing of a server allows; with more it is licensed once more, and
            so on. 0 allows any number.
    """

    unit: Unit
    price: float
    least_per_socket: int = 0
    least_per_server: int = 0
    pack: int = 1
    idle_servers_count: bool = True
    covers: int = 0

    def __post_init__(self) -> None:
        """Refuse packs of nothing."""
        if self.pack < 1:
            raise ValueError("a pack has one unit at least")


def licences(fleet: Sequence[LicensedServer], rule: Rule) -> int:
    """Return how many units must be bought for a fleet. An empty fleet needs none."""
    return sum(_units(server, rule) for server in fleet)


def licence_cost(fleet: Sequence[LicensedServer], rule: Rule) -> float:
    """Return the price of the units that a fleet needs."""
    return licences(fleet, rule) * rule.price


def cheapest(fleet: Sequence[LicensedServer], rules: dict[str, Rule]) -> str:
    """Return the name of the rule under which a fleet costs least; the first on a tie.

    Raises:
        ValueError: if there is no rule.
    """
    if not rules:
        raise ValueError("there is no rule to choose from")
    return min(rules, key=lambda name: licence_cost(fleet, rules[name]))


def _units(server: LicensedServer, rule: Rule) -> int:
    if not server.vms and not rule.idle_servers_count:
        return 0
    count = {
        "core": server.sockets * max(server.cores, rule.least_per_socket),
        "socket": server.sockets,
        "vm": len(server.vms),
        "vcpu": sum(server.vms),
        "server": 1,
    }[rule.unit]
    once = math.ceil(max(count, rule.least_per_server) / rule.pack) * rule.pack
    return once * max(1, math.ceil(len(server.vms) / rule.covers) if rule.covers else 1)
