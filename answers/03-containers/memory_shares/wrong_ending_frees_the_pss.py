# expected: 0/3
# hint: Shared frames stay whole.
# misconception: the share that a process bears comes free when it ends
from collections import Counter


def memory_shares(processes):
    holders = Counter(frame for frames in processes.values() for frame in frames)
    return {
        name: {
            "rss": 4096 * len(frames),
            "pss": sum(4096 / holders[frame] for frame in frames),
            "freed": round(sum(4096 / holders[frame] for frame in frames)),
        }
        for name, frames in processes.items()
    }
