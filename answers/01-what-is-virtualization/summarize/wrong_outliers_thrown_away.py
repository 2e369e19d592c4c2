# expected: 1/3
# hint: Every sample counts
# misconception: slow starts are errors of measurement and should be left out
import math
import statistics


def summarize(samples):
    usual = statistics.median(samples) if samples else 0
    ordered = sorted(sample for sample in samples if sample <= 5 * usual)
    n = len(ordered)
    median = statistics.median(ordered) if n else None
    p99 = ordered[math.ceil(99 * n / 100) - 1] if n >= 200 else None
    return {"n": n, "median": median, "p99": p99}
