# expected: 0/3
# hint: That is the mean.
# misconception: the mean is the usual value
import math


def summarize(samples):
    n = len(samples)
    if n == 0:
        return {"n": 0, "median": None, "p99": None}
    p99 = sorted(samples)[math.ceil(99 * n / 100) - 1] if n >= 200 else None
    return {"n": n, "median": sum(samples) / n, "p99": p99}
