# expected: 0/4
# hint: the last 60 take 60 more
# misconception: work ends when a period ends
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
    return (whole + 1) * period
