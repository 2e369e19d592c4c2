# expected: 3/3
# method: numpy's median and its nearest-rank percentile
import numpy as np


def summarize(samples):
    values = np.array(samples, dtype=float)
    if values.size == 0:
        return {"n": 0, "median": None, "p99": None}
    p99 = None
    if values.size >= 200:
        p99 = float(np.percentile(values, 99, method="inverted_cdf"))
    return {"n": int(values.size), "median": float(np.median(values)), "p99": p99}
