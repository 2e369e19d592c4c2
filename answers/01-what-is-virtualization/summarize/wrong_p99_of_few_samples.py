# expected: 0/3
# hint: Fewer than 200 samples say nothing about the slowest 1 %.
# misconception: a percentile can be read off any number of samples
import math
import statistics


def summarize(samples):
    ordered = sorted(samples)
    n = len(ordered)
    if n == 0:
        return {"n": 0, "median": None, "p99": None}
    p99 = ordered[math.ceil(99 * n / 100) - 1]
    return {"n": n, "median": statistics.median(ordered), "p99": p99}
