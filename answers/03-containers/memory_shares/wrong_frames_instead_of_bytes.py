# expected: 0/3
# hint: It should be a number of bytes.
# misconception: to name the frames that come free is to say how much comes free
from collections import Counter


def memory_shares(processes):
    holders = Counter(frame for frames in processes.values() for frame in frames)
    return {
        name: {
            "rss": 4096 * len(frames),
            "pss": sum(4096 / holders[frame] for frame in frames),
            "freed": {frame for frame in frames if holders[frame] == 1},
        }
        for name, frames in processes.items()
    }
