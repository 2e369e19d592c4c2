# expected: 0/3
# hint: Frames that others hold, too, stay in use.
# misconception: ending a container frees all that it used
from collections import Counter


def memory_shares(processes):
    holders = Counter(frame for frames in processes.values() for frame in frames)
    return {
        name: {
            "rss": 4096 * len(frames),
            "pss": sum(4096 / holders[frame] for frame in frames),
            "freed": 4096 * len(frames),
        }
        for name, frames in processes.items()
    }
