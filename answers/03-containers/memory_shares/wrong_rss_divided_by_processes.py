# expected: 0/3
# hint: Not all frames have three holders.
# misconception: shared memory is the whole memory, shared by all
from collections import Counter


def memory_shares(processes):
    holders = Counter(frame for frames in processes.values() for frame in frames)
    return {
        name: {
            "rss": 4096 * len(frames),
            "pss": 4096 * len(frames) / len(processes),
            "freed": 4096 * sum(holders[frame] == 1 for frame in frames),
        }
        for name, frames in processes.items()
    }
