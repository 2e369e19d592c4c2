# expected: 0/4
# hint: Count the time in which the thread stood still, once
# misconception: throttled time runs from the end of the quota, also while nobody wants to run
def throttled(quota, period, bursts):
    now, finished, stopped, waited, number, left, gone = 0, [], 0, 0, 0, quota, 0
    for arrival, work in bursts:
        now = max(now, arrival)
        while work:
            if now // period != number:
                number, left = now // period, quota
            end = (number + 1) * period
            if left == 0:
                stopped, waited, now = stopped + 1, waited + end - gone, end
            else:
                ran = min(work, left, end - now)
                now, work, left = now + ran, work - ran, left - ran
                gone = now
        finished.append(now)
    return {"finished": finished, "throttled": stopped, "waited": waited}
