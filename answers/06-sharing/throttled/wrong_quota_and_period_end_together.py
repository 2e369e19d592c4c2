# expected: 1/4
# hint: The quota ends when the period does.
# misconception: whenever the quota is used up with work left, the thread is throttled
def throttled(quota, period, bursts):
    now, finished, stopped, waited, number, left = 0, [], 0, 0, 0, quota
    for arrival, work in bursts:
        now = max(now, arrival)
        while work:
            if now // period != number:
                number, left = now // period, quota
            end = (number + 1) * period
            ran = min(work, left, end - now)
            now, work, left = now + ran, work - ran, left - ran
            if left == 0 and work:
                stopped, waited, now = stopped + 1, waited + end - now, end
        finished.append(now)
    return {"finished": finished, "throttled": stopped, "waited": waited}
