# expected: 1/3
# hint: Your code raised IndexError
# misconception: every list has a middle
import math


def summarize(samples):
    ordered = sorted(samples)
    n = len(ordered)
    median = (ordered[(n - 1) // 2] + ordered[n // 2]) / 2
    p99 = ordered[math.ceil(99 * n / 100) - 1] if n >= 200 else None
    return {"n": n, "median": median, "p99": p99}
