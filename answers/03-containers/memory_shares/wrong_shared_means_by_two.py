# expected: 0/3
# hint: Frame 1 has three holders, not two.
# misconception: a frame is either private or shared by two
from collections import Counter


def memory_shares(processes):
    holders = Counter(frame for frames in processes.values() for frame in frames)
    return {
        name: {
            "rss": 4096 * len(frames),
            "pss": sum(4096 / min(2, holders[frame]) for frame in frames),
            "freed": 4096 * sum(holders[frame] == 1 for frame in frames),
        }
        for name, frames in processes.items()
    }
