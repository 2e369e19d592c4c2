# expected: 0/4
# hint: the interval decides, not the ratio
# misconception: a median above 1 is a slowdown
import math
import statistics


def slowdown(alone, beside):
    rounds = [pair for pair in zip(alone, beside) if None not in pair]
    ratios = sorted(loaded / quiet for quiet, loaded in rounds)
    n, k = len(ratios), 0
    ways = math.comb(n, k)
    while 40 * ways <= 2**n:
        k += 1
        ways += math.comb(n, k)
    answer = {"ratio": None, "low": None, "high": None, "verdict": "unclear"}
    if ratios:
        answer["ratio"] = statistics.median(ratios)
    if k:
        answer["low"], answer["high"] = ratios[k - 1], ratios[n - k]
        if answer["ratio"] > 1:
            answer["verdict"] = "slower"
        elif answer["ratio"] < 1:
            answer["verdict"] = "faster"
    return answer
