# expected: 4/4
# method: one period, then the same problem with less work
import sys

sys.setrecursionlimit(10000)


def finish_time(work, quota, period, threads, cores):
    rate = threads if threads < cores else cores
    limits = [rate * period] + ([] if quota is None else [quota])
    if work <= min(limits):
        return work / rate
    return period + finish_time(work - min(limits), quota, period, threads, cores)
