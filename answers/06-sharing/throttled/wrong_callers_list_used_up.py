# expected: 1/4
# hint: Your function changed the caller's list. Work on a copy.
# misconception: an argument is mine to work with
def throttled(quota, period, bursts):
    now, finished, stopped, waited, number, left = 0, [], 0, 0, 0, quota
    while bursts:
        arrival, work = bursts.pop(0)
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
        finished.append(now)
    return {"finished": finished, "throttled": stopped, "waited": waited}
