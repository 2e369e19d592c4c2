# expected: 1/3
# hint: A process may hold no frame at all.
# misconception: a process without frames has no share at all
import math
from collections import Counter


def memory_shares(processes):
    holders = Counter(frame for frames in processes.values() for frame in frames)
    return {
        name: {
            "rss": 4096 * len(frames),
            "pss": sum(4096 / holders[frame] for frame in frames) if frames else math.nan,
            "freed": 4096 * sum(holders[frame] == 1 for frame in frames),
        }
        for name, frames in processes.items()
    }
