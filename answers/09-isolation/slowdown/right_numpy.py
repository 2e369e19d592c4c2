# expected: 4/4
# method: arrays, with nan for what was lost, and floating point probabilities
from math import comb

import numpy as np


def slowdown(alone, beside):
    ratios = np.array(beside, dtype=float) / np.array(alone, dtype=float)
    ratios = np.sort(ratios[~np.isnan(ratios)])
    n = ratios.size
    chances = np.cumsum([comb(n, i) / 2**n for i in range(n + 1)])
    k = int(np.searchsorted(chances, 0.025, side="right"))
    ends = (float(ratios[k - 1]), float(ratios[n - k])) if n and k else (None, None)
    verdict = "unclear"
    if ends[0] is not None:
        verdict = {(True, False): "slower", (False, True): "faster"}.get(
            (ends[0] > 1, ends[1] < 1), "unclear"
        )
    return {
        "ratio": float(np.median(ratios)) if n else None,
        "low": ends[0],
        "high": ends[1],
        "verdict": verdict,
    }
