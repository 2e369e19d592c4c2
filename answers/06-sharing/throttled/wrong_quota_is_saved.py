# expected: 0/4
# hint: Quota that is left at the end of a period is lost. It is not saved.
# misconception: what I do not use now I may use later
def throttled(quota, period, bursts):
    now, finished, stopped, waited, number, left = 0, [], 0, 0, 0, quota
    for arrival, work in bursts:
        now = max(now, arrival)
        while work:
            if now // period != number:
                left += quota * (now // period - number)
                number = now // period
            end = (number + 1) * period
            if left == 0:
                stopped, waited, now = stopped + 1, waited + end - now, end
            else:
                ran = min(work, left, end - now)
                now, work, left = now + ran, work - ran, left - ran
        finished.append(now)
    return {"finished": finished, "throttled": stopped, "waited": waited}
