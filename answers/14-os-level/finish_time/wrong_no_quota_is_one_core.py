# expected: 0/4
# hint: Without a quota two cores halve the time
# misconception: no quota means a whole period of it
def finish_time(work, quota, period, threads, cores):
    rate = min(threads, cores)
    a_period = rate * period
    quota = period if quota is None else quota
    if quota < a_period:
        a_period = quota
    if work == 0:
        return 0
    whole, rest = divmod(work, a_period)
    if rest == 0:
        whole, rest = whole - 1, a_period
    return whole * period + rest / rate
