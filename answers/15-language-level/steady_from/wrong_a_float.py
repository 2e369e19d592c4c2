# expected: 0/4
# hint: return a place, an int
# misconception: a whole number is as good as an int
from statistics import median


def steady_from(series, block, tolerance, least):
    blocks = [series[end - block : end] for end in range(len(series), block - 1, -block)]
    levels = [median(one) for one in blocks]
    steady = 0
    for level in levels:
        if abs(level - levels[0]) > tolerance * levels[0]:
            break
        steady += 1
    return (len(series) / block - steady) * block if steady and steady >= least else None
