# expected: 0/4
# hint: return a tuple (low, estimate, high) of three numbers
# misconception: numbers are returned as they should be shown
import random


def middle(values):
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def drawn(a, b, seed):
    generator = random.Random(seed)
    for _ in range(200):
        yield middle(generator.choices(a, k=len(a))) / middle(generator.choices(b, k=len(b)))


def ratio_interval(a, b, seed):
    if 5 > len(a) or 5 > len(b):
        return None
    kept = sorted(drawn(a, b, seed))[5:195]
    return tuple(f"{one:.3f}" for one in (min(kept), middle(a) / middle(b), max(kept)))
