# expected: 0/3
# hint: That is the upper of the two middle samples.
# misconception: the median of an even number of samples is one of them
import math


def summarize(samples):
    ordered = sorted(samples)
    n = len(ordered)
    median = ordered[n // 2] if n else None
    p99 = ordered[math.ceil(99 * n / 100) - 1] if n >= 200 else None
    return {"n": n, "median": median, "p99": p99}
