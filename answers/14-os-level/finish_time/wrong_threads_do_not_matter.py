# expected: 0/4
# hint: only the last 60 go twice as fast
# misconception: under a quota threads are no help at all
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
    return whole * period + rest
