# expected: 0/4
# hint: the last 60 take 60 more
# misconception: when the quota is used up one waits in any case
def finish_time(work, quota, period, threads, cores):
    rate = min(threads, cores)
    a_period = rate * period
    if quota is not None and quota < a_period:
        a_period = quota
    if work == 0:
        return 0
    whole, rest = divmod(work, a_period)
    return whole * period + rest / rate
