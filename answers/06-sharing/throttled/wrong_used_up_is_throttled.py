# expected: 0/4
# hint: Count the periods in which the thread had work and no quota.
# misconception: a period is throttled as soon as its quota is used up
def throttled(quota, period, bursts):
    now, finished, stopped, waited, number, left = 0, [], set(), 0, 0, quota
    for arrival, work in bursts:
        now = max(now, arrival)
        while work:
            if now // period != number:
                number, left = now // period, quota
            end = (number + 1) * period
            if left == 0:
                waited, now = waited + end - now, end
            else:
                ran = min(work, left, end - now)
                now, work, left = now + ran, work - ran, left - ran
                if left == 0:
                    stopped.add(number)
        finished.append(now)
    if now % period == 0 and now // period - 1 in stopped:
        stopped.add(-1)
    return {"finished": finished, "throttled": len(stopped), "waited": waited}
