# expected: 1/4
# hint: Take k from the sum of the prompt
# misconception: the normal approximation of k is exact
import math
import statistics


def slowdown(alone, beside):
    rounds = [pair for pair in zip(alone, beside) if None not in pair]
    ratios = sorted(loaded / quiet for quiet, loaded in rounds)
    n, k = len(ratios), 0
    if n > 5:
        k = max(1, round(n / 2 - 0.98 * math.sqrt(n)))
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
