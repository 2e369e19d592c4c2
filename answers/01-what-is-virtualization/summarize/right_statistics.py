# expected: 3/3
# method: the standard library's median; the rank in whole numbers
import statistics


def summarize(samples):
    n = len(samples)
    ordered = sorted(samples)
    return {
        "n": n,
        "median": statistics.median(ordered) if ordered else None,
        "p99": ordered[-(-99 * n // 100) - 1] if n >= 200 else None,
    }
