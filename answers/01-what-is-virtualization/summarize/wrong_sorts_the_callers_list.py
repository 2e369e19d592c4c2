# expected: 1/3
# hint: Your function changed the caller's list.
# misconception: a function may reorder what it was given
import math
import statistics


def summarize(samples):
    samples.sort()
    n = len(samples)
    median = statistics.median(samples) if n else None
    p99 = samples[math.ceil(99 * n / 100) - 1] if n >= 200 else None
    return {"n": n, "median": median, "p99": p99}
