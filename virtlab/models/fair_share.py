"""Who gets how much of one resource: weighted max-min fairness, against hard caps.

Assumptions: the resource can be divided at will and handed on at no cost. Units are the caller's:
demands, capacity and shares are all in the same one (CPU seconds a second, MiB a second, …).
Max-min fairness as in Bertsekas and Gallager, "Data Networks" (1992).
"""

from __future__ import annotations

from collections.abc import Sequence


def fair_share(weights: Sequence[float], demands: Sequence[float], capacity: float) -> list[float]:
    """Share a capacity by water-filling: work-conserving, as CPU weights are.

    Each tenant gets in proportion to its weight, but never more than it demands; what it leaves
    goes to the others, again by weight.

    Args:
        weights: above 0, one for each tenant.
        demands: 0 or more; ``math.inf`` for a tenant that takes all it can get.
        capacity: what there is to share, 0 or more.

    Returns:
        One share for each tenant, in order. Together they are the lesser of the capacity and the
        sum of the demands. No tenants give an empty list.

    Raises:
        ValueError: if the lengths differ or a number is out of range.
    """
    _check(weights, demands, capacity)
    shares = [0.0] * len(weights)
    hungry = set(range(len(weights)))
    while hungry:
        level = capacity / sum(weights[i] for i in hungry)
        content = {i for i in hungry if demands[i] <= weights[i] * level}
        if not content:
            for i in hungry:
                shares[i] = weights[i] * level
            break
        for i in content:
            shares[i] = demands[i]
        capacity = max(0.0, capacity - sum(demands[i] for i in content))
        hungry -= content
    return shares


def capped_share(
    weights: Sequence[float], demands: Sequence[float], capacity: float
) -> list[float]:
    """Share a capacity by hard caps: what a tenant leaves of its part is lost to all.

    Takes and raises what ``fair_share`` does.
    """
    _check(weights, demands, capacity)
    total = sum(weights)
    return [
        min(demand, capacity * weight / total)
        for weight, demand in zip(weights, demands, strict=True)
    ]


def _check(weights: Sequence[float], demands: Sequence[float], capacity: float) -> None:
    if len(weights) != len(demands):
        raise ValueError(f"{len(weights)} weights for {len(demands)} demands; give one for each")
    if any(not weight > 0 for weight in weights):
        raise ValueError("a weight is not above 0; leave a tenant without one out")
    if any(not demand >= 0 for demand in demands) or not capacity >= 0:
        raise ValueError("a demand or the capacity is below 0")
