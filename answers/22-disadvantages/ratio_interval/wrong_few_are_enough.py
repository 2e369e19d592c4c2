# expected: 0/4
# hint: Fewer than 5 samples of a: not measured
# misconception: two samples are enough for an interval
import random
from statistics import median


def ratio_interval(a, b, seed):
    if len(a) < 2 or len(b) < 2:
        return None
    dice = random.Random(seed)
    ratios = []
    for _ in range(200):
        first = dice.choices(a, k=len(a))
        second = dice.choices(b, k=len(b))
        ratios.append(median(first) / median(second))
    ratios.sort()
    return ratios[5], median(a) / median(b), ratios[194]
