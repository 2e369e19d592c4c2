"""Which server gets the next request: the policies of a load balancer.

"two choices" asks two random servers and takes the less loaded one (Mitzenmacher, 2001, "The Power
of Two Choices in Randomized Load Balancing").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Literal

Policy = Literal["round robin", "random", "least connections", "two choices"]


@dataclass
class Backends:
    """What the balancer knows.

    Attributes:
        connections: open requests on each server.
        healthy: whether each server may be chosen; empty means that all may.
        last: the server chosen last, -1 at first; only round robin looks at it.
        random: where random policies draw from; seed it.
    """

    connections: Sequence[int]
    healthy: Sequence[bool] = ()
    last: int = -1
    random: Random = field(default_factory=lambda: Random(0))

    @property
    def choices(self) -> list[int]:
        """The servers that may be chosen, ascending."""
        healthy = self.healthy or [True] * len(self.connections)
        return [server for server, is_up in enumerate(healthy) if is_up]


def pick(policy: Policy, state: Backends) -> int | None:
    """Return the server for the next request, None if no server is healthy.

    The state is left as it is, but for the draws taken from its random generator. Round robin
    takes the next healthy server after the last one; least connections breaks ties by the lowest
    number; two choices draws two different servers and keeps the first drawn on a tie.

    Raises:
        ValueError: for an unknown policy, or ``healthy`` of another length than ``connections``.
    """
    if state.healthy and len(state.healthy) != len(state.connections):
        raise ValueError("healthy has another length than connections")
    choices = state.choices
    if not choices:
        return None
    if policy == "round robin":
        return next((server for server in choices if server > state.last), choices[0])
    if policy == "random":
        return state.random.choice(choices)
    if policy == "least connections":
        return min(choices, key=lambda server: state.connections[server])
    if policy == "two choices":
        drawn = state.random.sample(choices, min(2, len(choices)))
        return min(drawn, key=lambda server: state.connections[server])
    raise ValueError(f"there is no policy '{policy}'")
