# expected: 0/4
# hint: With 5 samples or more on both sides the ratio counts as measured
# misconception: five samples are too few
import random
from statistics import median


def ratio_interval(a, b, seed):
    if len(a) <= 5 or len(b) <= 5:
        return None
    dice = random.Random(seed)
    ratios = []
    for _ in range(200):
        first = dice.choices(a, k=len(a))
        second = dice.choices(b, k=len(b))
        ratios.append(median(first) / median(second))
    ratios.sort()
    return ratios[5], median(a) / median(b), ratios[194]
