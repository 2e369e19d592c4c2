# expected: 0/4
# hint: Eight threads on two cores
# misconception: each thread has a core of its own
def finish_time(work, quota, period, threads, cores):
    rate = threads
    a_period = rate * period
    if quota is not None and quota < a_period:
        a_period = quota
    if work == 0:
        return 0
    whole, rest = divmod(work, a_period)
    if rest == 0:
        whole, rest = whole - 1, a_period
    return whole * period + rest / rate
