# expected: 1/4
# hint: The estimate is the median of a over the median of b, of the samples as they are: not of the draws, and no mean
# misconception: the estimate is the median of the draws
import random
from statistics import median


def ratio_interval(a, b, seed):
    if len(a) < 5 or len(b) < 5:
        return None
    dice = random.Random(seed)
    ratios = []
    for _ in range(200):
        first = dice.choices(a, k=len(a))
        second = dice.choices(b, k=len(b))
        ratios.append(median(first) / median(second))
    ratios.sort()
    return ratios[5], median(ratios), ratios[194]
