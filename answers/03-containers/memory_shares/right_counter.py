# expected: 3/3
# method: a Counter over all frames, then sums
from collections import Counter


def memory_shares(processes):
    holders = Counter(frame for frames in processes.values() for frame in frames)
    shares = {}
    for name, frames in processes.items():
        shares[name] = {
            "rss": 4096 * len(frames),
            "pss": sum(4096 / holders[frame] for frame in frames),
            "freed": 4096 * sum(holders[frame] == 1 for frame in frames),
        }
    return shares
