# expected: 0/4
# hint: One thread cannot use more than one core
# misconception: a large quota makes a thread faster than its core
def finish_time(work, quota, period, threads, cores):
    rate = min(threads, cores)
    a_period = rate * period
    if quota is not None:
        a_period = quota
    if work == 0:
        return 0
    whole, rest = divmod(work, a_period)
    if rest == 0:
        whole, rest = whole - 1, a_period
    return whole * period + rest / rate
