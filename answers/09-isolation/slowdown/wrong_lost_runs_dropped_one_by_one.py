# expected: 0/4
# hint: Then the rounds no longer match.
# misconception: a lost run is dropped from its own list
import math
import statistics


def slowdown(alone, beside):
    rounds = list(zip([a for a in alone if a is not None], [b for b in beside if b is not None]))
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
        if answer["low"] > 1:
            answer["verdict"] = "slower"
        elif answer["high"] < 1:
            answer["verdict"] = "faster"
    return answer
