# expected: 0/3
# hint: A nearest-rank p99 is itself a sample.
# misconception: there is only one definition of a percentile, the one a library uses unasked
import numpy as np


def summarize(samples):
    n = len(samples)
    if n == 0:
        return {"n": 0, "median": None, "p99": None}
    p99 = float(np.percentile(samples, 99)) if n >= 200 else None
    return {"n": n, "median": float(np.median(samples)), "p99": p99}
