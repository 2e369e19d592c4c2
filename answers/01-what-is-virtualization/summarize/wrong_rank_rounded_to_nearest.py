# expected: 1/3
# hint: round the rank up
# misconception: a rank may be rounded to the nearest whole number
import statistics


def summarize(samples):
    ordered = sorted(samples)
    n = len(ordered)
    median = statistics.median(ordered) if n else None
    return {"n": n, "median": median, "p99": ordered[round(0.99 * n) - 1] if n >= 200 else None}
