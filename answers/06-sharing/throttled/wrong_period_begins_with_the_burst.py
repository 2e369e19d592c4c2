# expected: 0/4
# hint: Periods begin at 0 and 100, not when a burst arrives.
# misconception: a period begins when somebody starts to work
def throttled(quota, period, bursts):
    now, finished, stopped, waited = 0, [], 0, 0
    for arrival, work in bursts:
        now = max(now, arrival)
        while work > quota and quota < period:
            now += period
            work -= quota
            stopped += 1
            waited += period - quota
        now += work
        finished.append(now)
    return {"finished": finished, "throttled": stopped, "waited": waited}
