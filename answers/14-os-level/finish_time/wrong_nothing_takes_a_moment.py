# expected: 0/4
# hint: No work is done at time 0
# misconception: even nothing waits for its first period
def finish_time(work, quota, period, threads, cores):
    rate = min(threads, cores)
    a_period = rate * period
    if quota is not None and quota < a_period:
        a_period = quota
    if work == 0:
        return period
    whole, rest = divmod(work, a_period)
    if rest == 0:
        whole, rest = whole - 1, a_period
    return whole * period + rest / rate
