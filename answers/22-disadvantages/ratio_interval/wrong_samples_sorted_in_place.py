# expected: 1/4
# hint: Your function changed the caller's samples
# misconception: sorting the caller's lists does no harm
import random
from statistics import median


def ratio_interval(a, b, seed):
    if len(a) < 5 or len(b) < 5:
        return None
    dice = random.Random(seed)
    ratios = []
    middle = median(a) / median(b)
    for _ in range(200):
        first = dice.choices(a, k=len(a))
        second = dice.choices(b, k=len(b))
        ratios.append(median(first) / median(second))
    ratios.sort()
    a.sort()
    b.sort()
    return ratios[5], middle, ratios[194]
