# expected: 3/3
# method: frames grouped by who holds them, so that a shared library is one group
from collections import defaultdict
from fractions import Fraction


def memory_shares(processes):
    holders = defaultdict(list)
    for name in processes:
        for frame in processes[name]:
            holders[frame].append(name)
    groups = defaultdict(int)
    for names in holders.values():
        groups[tuple(names)] += 1
    shares = {name: {"rss": 0, "pss": Fraction(0), "freed": 0} for name in processes}
    for names, frames in groups.items():
        for name in names:
            shares[name]["rss"] += 4096 * frames
            shares[name]["pss"] += Fraction(4096 * frames, len(names))
            shares[name]["freed"] += 4096 * frames * (len(names) == 1)
    return {name: share | {"pss": float(share["pss"])} for name, share in shares.items()}
