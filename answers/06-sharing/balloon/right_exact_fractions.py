# expected: 4/4
# method: exact fractions, guests grouped by host first
from collections import defaultdict
from fractions import Fraction


def balloon(hosts, guests):
    at = defaultdict(list)
    for guest in guests:
        at[guest["host"]].append(guest)
    lost = {}
    for host, here in at.items():
        short = max(0, sum(g["size"] for g in here) - hosts[host])
        reach = sum(g["size"] - g["needed"] for g in here if g["driver"])
        part = Fraction(min(short, reach), reach) if reach else Fraction(0)
        given = {g["name"]: part * (g["size"] - g["needed"]) * g["driver"] for g in here}
        left = sum(g["size"] for g in here) - min(short, reach)
        rate = Fraction(short - min(short, reach), left) if left else Fraction(0)
        for g in here:
            mine = given[g["name"]]
            swapped = rate * (g["size"] - mine)
            lost[g["name"]] = {
                "ballooned": float(mine),
                "swapped": float(swapped),
                "hurt": float(rate * g["needed"] if swapped else 0),
            }
    return lost
