# expected: 4/4
# method: an array with a row for each block
import numpy as np


def steady_from(series, block, tolerance, least):
    spare = len(series) % block
    rows = np.array(series[spare:], dtype=float).reshape(-1, block)
    if not len(rows):
        return None
    levels = np.median(rows, axis=1)
    unlike = np.flatnonzero(np.abs(levels - levels[-1]) > tolerance * levels[-1])
    first = int(unlike[-1]) + 1 if len(unlike) else 0
    if len(levels) - first < least:
        return None
    return spare + first * block
