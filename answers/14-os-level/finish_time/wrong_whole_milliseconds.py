# expected: 1/4
# hint: One millisecond more than the quota
# misconception: half a millisecond does not count
def finish_time(work, quota, period, threads, cores):
    rate = min(threads, cores)
    a_period = rate * period
    if quota is not None and quota < a_period:
        a_period = quota
    if work == 0:
        return 0
    whole, rest = divmod(work, a_period)
    if rest == 0:
        whole, rest = whole - 1, a_period
    return whole * period + rest // rate
