# expected: 0/4
# hint: Your code raised ValueError in a hidden check
# misconception: only the first list can be too short
import random
from statistics import median


def ratio_interval(a, b, seed):
    if len(a) < 5:
        return None
    dice = random.Random(seed)
    ratios = []
    for _ in range(200):
        first = dice.choices(a, k=len(a))
        second = dice.choices(b, k=len(b))
        ratios.append(median(first) / median(second))
    ratios.sort()
    return ratios[5], median(a) / median(b), ratios[194]
