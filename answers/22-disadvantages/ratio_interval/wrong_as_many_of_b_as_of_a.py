# expected: 0/4
# hint: Try: one generator; 200 times a draw from a, then one from b, with replacement; leave out 5 on each side
# misconception: both draws have the same length
import random
from statistics import median


def ratio_interval(a, b, seed):
    if len(a) < 5 or len(b) < 5:
        return None
    dice = random.Random(seed)
    ratios = []
    for _ in range(200):
        first = dice.choices(a, k=len(a))
        second = dice.choices(b, k=len(a))
        ratios.append(median(first) / median(second))
    ratios.sort()
    return ratios[5], median(a) / median(b), ratios[194]
