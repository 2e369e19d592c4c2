# expected: 0/4
# hint: finished is counted from 0, not from the burst's arrival.
# misconception: the time of an answer is its response time
def throttled(quota, period, bursts):
    now, finished, stopped, waited, number, left = 0, [], 0, 0, 0, quota
    for arrival, work in bursts:
        now = max(now, arrival)
        while work:
            if now // period != number:
                number, left = now // period, quota
            end = (number + 1) * period
            if left == 0:
                stopped, waited, now = stopped + 1, waited + end - now, end
            else:
                ran = min(work, left, end - now)
                now, work, left = now + ran, work - ran, left - ran
        finished.append(now - arrival)
    return {"finished": finished, "throttled": stopped, "waited": waited}
