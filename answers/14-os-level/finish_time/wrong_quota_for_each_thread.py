# expected: 0/4
# hint: All threads share one quota
# misconception: each thread has the quota for itself
def finish_time(work, quota, period, threads, cores):
    rate = min(threads, cores)
    a_period = rate * period
    if quota is not None and quota * rate < a_period:
        a_period = quota * rate
    if work == 0:
        return 0
    whole, rest = divmod(work, a_period)
    if rest == 0:
        whole, rest = whole - 1, a_period
    return whole * period + rest / rate
