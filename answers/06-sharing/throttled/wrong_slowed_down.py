# expected: 0/4
# hint: A quota does not slow the thread down.
# misconception: a quota makes the CPU slower
def throttled(quota, period, bursts):
    now, finished = 0, []
    for arrival, work in bursts:
        start = max(now, arrival)
        now = start + (work if work <= quota else work * period // quota)
        finished.append(now)
    return {"finished": finished, "throttled": 0, "waited": 0}
