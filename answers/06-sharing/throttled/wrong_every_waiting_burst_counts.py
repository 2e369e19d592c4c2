# expected: 0/4
# hint: I saw throttled = 2
# misconception: each burst that waits is throttled, and so is the queue behind it
def throttled(quota, period, bursts):
    now, finished, stops, number, left = 0, [], [], 0, quota
    for arrival, work in bursts:
        now = max(now, arrival)
        while work:
            if now // period != number:
                number, left = now // period, quota
            end = (number + 1) * period
            if left == 0:
                stops.append((now, end))
                now = end
            else:
                ran = min(work, left, end - now)
                now, work, left = now + ran, work - ran, left - ran
        finished.append(now)
    queued = [
        until - max(since, arrival)
        for since, until in stops
        for (arrival, _), done in zip(bursts, finished)
        if arrival < until < done
    ]
    return {"finished": finished, "throttled": len(queued), "waited": sum(queued)}
