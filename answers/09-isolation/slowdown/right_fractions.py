# expected: 4/4
# method: exact probabilities as fractions, the row of coins built by addition
from fractions import Fraction


def heads(coins):
    row = [Fraction(1)]
    for _ in range(coins):
        row = [(left + right) / 2 for left, right in zip([0, *row], [*row, 0])]
    return row


def slowdown(alone, beside):
    ratios = []
    for place in range(len(alone)):
        if alone[place] is not None and beside[place] is not None:
            ratios.append(beside[place] / alone[place])
    ratios.sort()
    n = len(ratios)
    chances = heads(n)
    fitting = [k for k in range(1, n + 1) if sum(chances[:k]) <= Fraction(25, 1000)]
    middle = (ratios[(n - 1) // 2] + ratios[n // 2]) / 2 if n else None
    if not fitting:
        return {"ratio": middle, "low": None, "high": None, "verdict": "unclear"}
    low, high = ratios[max(fitting) - 1], ratios[-max(fitting)]
    verdict = "slower" if low > 1 else "faster" if high < 1 else "unclear"
    return {"ratio": middle, "low": low, "high": high, "verdict": verdict}
