# expected: 0/4
# hint: Your code raised IndexError
# misconception: every series has a last block
from statistics import median


def steady_from(series, block, tolerance, least):
    blocks = [series[end - block : end] for end in range(len(series), block - 1, -block)]
    levels = [median(one) for one in blocks]
    last, steady = levels[0], 0
    for level in levels:
        if abs(level - last) > tolerance * last:
            break
        steady += 1
    return len(series) - steady * block if steady and steady >= least else None
