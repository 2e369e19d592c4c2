# expected: 0/4
# hint: That is upside down
# misconception: a slowdown is the speed that is left
import math
import statistics


def slowdown(alone, beside):
    rounds = [pair for pair in zip(alone, beside) if None not in pair]
    ratios = sorted(quiet / loaded for quiet, loaded in rounds)
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
        if answer["low"] > 1:
            answer["verdict"] = "slower"
        elif answer["high"] < 1:
            answer["verdict"] = "faster"
    return answer
