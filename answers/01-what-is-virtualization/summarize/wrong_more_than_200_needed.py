# expected: 1/3
# hint: With exactly 200 samples and more, a p99 is due.
# misconception: "fewer than 200" and "200 or fewer" are the same
import math
import statistics


def summarize(samples):
    ordered = sorted(samples)
    n = len(ordered)
    median = statistics.median(ordered) if n else None
    p99 = ordered[math.ceil(99 * n / 100) - 1] if n > 200 else None
    return {"n": n, "median": median, "p99": p99}
