# expected: 0/3
# hint: it should be a number
# misconception: a result that is to be printed is text
import math


def summarize(samples):
    ordered = sorted(samples)
    n = len(ordered)
    middle = (ordered[(n - 1) // 2] + ordered[n // 2]) / 2 if n else None
    p99 = ordered[math.ceil(99 * n / 100) - 1] if n >= 200 else None
    return {"n": n, "median": f"{middle:.1f}" if n else None, "p99": p99}
