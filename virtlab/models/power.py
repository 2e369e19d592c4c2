"""What a fleet draws, uses and costs, and when new servers have paid for themselves.

Assumption: a server's power grows in a straight line from idle to full load (Fan, Weber and
Barroso, 2007, found this close enough for fleets).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Server:
    """One server.

    Attributes:
        idle_watts: drawn when on and doing nothing.
        peak_watts: drawn at full load; at least ``idle_watts``.
        utilization: CPU utilization from 0 to 1.
        is_on: a server that is off draws ``off_watts``.
        off_watts: drawn when off (its management controller).
    """

    idle_watts: float
    peak_watts: float
    utilization: float
    is_on: bool = True
    off_watts: float = 0.0

    @property
    def watts(self) -> float:
        """What it draws now."""
        if not self.is_on:
            return self.off_watts
        return self.idle_watts + (self.peak_watts - self.idle_watts) * self.utilization


def fleet_watts(servers: Iterable[Server], pue: float = 1.0) -> float:
    """Return what a fleet draws, in watts.

    Args:
        servers: all of them, off ones too. None draw 0.
        pue: power usage effectiveness: the whole building's power over the servers', 1 or more.

    Raises:
        ValueError: if a number is out of range.
    """
    servers = list(servers)
    if pue < 1:
        raise ValueError("pue is 1 or more: the building draws what its servers draw at least")
    for server in servers:
        if not 0 <= server.utilization <= 1 or not 0 <= server.idle_watts <= server.peak_watts:
            raise ValueError("a server needs 0 <= utilization <= 1 and 0 <= idle <= peak watts")
    return pue * sum(server.watts for server in servers)


def energy_kwh(watts: float, hours: float) -> float:
    """Return the energy that a steady power takes in some hours, in kilowatt-hours."""
    return watts * hours / 1000


def break_even_months(investment: float, monthly_before: float, monthly_after: float) -> float:
    """Return after how many months an investment has paid for itself; ``math.inf`` if never.

    Args:
        investment: spent once, in any currency; no interest is reckoned.
        monthly_before: running costs a month without it.
        monthly_after: running costs a month with it.
    """
    saving = monthly_before - monthly_after
    if investment <= 0:
        return 0.0
    return investment / saving if saving > 0 else math.inf
