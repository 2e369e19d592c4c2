# expected: 0/3
# hint: You are one position too far
# misconception: the sample of rank k stands at position k
import statistics


def summarize(samples):
    ordered = sorted(samples)
    n = len(ordered)
    median = statistics.median(ordered) if n else None
    return {"n": n, "median": median, "p99": ordered[99 * n // 100] if n >= 200 else None}
