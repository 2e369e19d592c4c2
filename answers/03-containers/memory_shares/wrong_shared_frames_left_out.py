# expected: 0/3
# hint: That leaves shared frames out. They count, in part.
# misconception: what is shared costs nothing
from collections import Counter


def memory_shares(processes):
    holders = Counter(frame for frames in processes.values() for frame in frames)
    return {
        name: {
            "rss": 4096 * len(frames),
            "pss": 4096 * sum(holders[frame] == 1 for frame in frames),
            "freed": 4096 * sum(holders[frame] == 1 for frame in frames),
        }
        for name, frames in processes.items()
    }
