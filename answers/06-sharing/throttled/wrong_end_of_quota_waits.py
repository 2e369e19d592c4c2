# expected: 0/4
# hint: I saw throttled = 2
# misconception: a burst that ends with the quota has been throttled
def throttled(quota, period, bursts):
    now, finished, stopped, waited, number, left = 0, [], set(), 0, 0, quota
    for arrival, work in bursts:
        now = max(now, arrival)
        while True:
            if now // period != number:
                number, left = now // period, quota
            end = (number + 1) * period
            if left == 0:
                stopped.add(number)
                if not work:
                    break
                waited, now = waited + end - now, end
                continue
            if not work:
                break
            ran = min(work, left, end - now)
            now, work, left = now + ran, work - ran, left - ran
        finished.append(now)
    return {"finished": finished, "throttled": len(stopped), "waited": waited}
