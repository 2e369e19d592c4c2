"""How far an attacker gets from one place: reachability in a graph of trust.

An edge from a to b says: who controls a can take b. What an edge stands for (a shared kernel, a
key left on a disk, a management network) is the caller's.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable, Mapping
from typing import TypeVar

Node = TypeVar("Node", bound=Hashable)


def blast_radius(graph: Mapping[Node, Iterable[Node]], start: Node) -> dict[Node, int]:
    """Return everything that falls with ``start``, and after how many steps.

    Args:
        graph: for each node those it can take. A node that is only ever a target needs no entry.
        start: what the attacker has; itself at 0 steps, also if the graph does not name it.

    Returns:
        Nodes by distance, nearest first. Its length less one is the blast radius.
    """
    steps = {start: 0}
    ahead = deque([start])
    while ahead:
        node = ahead.popleft()
        for target in graph.get(node, ()):
            if target not in steps:
                steps[target] = steps[node] + 1
                ahead.append(target)
    return steps


def choke_points(graph: Mapping[Node, Iterable[Node]], start: Node) -> dict[Node, int]:
    """Return for each other node how many nodes (itself too) hardening it would save.

    A hardened node can no longer be taken. The node that saves the most is the best to harden.
    """
    taken = blast_radius(graph, start)
    saved = {}
    for node in taken:
        if node != start:
            pruned = {
                each: [target for target in targets if target != node]
                for each, targets in graph.items()
            }
            saved[node] = len(taken) - len(blast_radius(pruned, start))
    return saved
