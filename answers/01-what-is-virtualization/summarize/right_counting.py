# expected: 3/3
# method: counts how many samples may lie above the p99, from the slow end
def summarize(samples):
    slow_first = sorted(samples, reverse=True)
    n = len(slow_first)
    median, p99 = None, None
    if n % 2:
        median = slow_first[n // 2]
    elif n:
        median = (slow_first[n // 2 - 1] + slow_first[n // 2]) / 2
    if not n < 200:
        may_lie_above = n // 100
        p99 = slow_first[may_lie_above]
    return {"n": n, "median": median, "p99": p99}
