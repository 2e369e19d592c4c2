# expected: 0/4
# hint: The burst arrives at 90. It cannot run before.
# misconception: the list is a queue, and when its entries arrive does not matter
def throttled(quota, period, bursts):
    now, finished, stopped, waited, number, left = 0, [], 0, 0, 0, quota
    for _, work in bursts:
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
