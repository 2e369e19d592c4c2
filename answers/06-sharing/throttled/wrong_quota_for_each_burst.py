# expected: 0/4
# hint: The quota belongs to the period, not to the burst.
# misconception: each burst has a quota of its own
def throttled(quota, period, bursts):
    now, finished, stopped, waited = 0, [], 0, 0
    for arrival, work in bursts:
        now, number, left = max(now, arrival), -1, quota
        while work:
            if now // period != number:
                number, left = now // period, quota
            end = (number + 1) * period
            if left == 0:
                stopped, waited, now = stopped + 1, waited + end - now, end
            else:
                ran = min(work, left, end - now)
                now, work, left = now + ran, work - ran, left - ran
        finished.append(now)
    return {"finished": finished, "throttled": stopped, "waited": waited}
