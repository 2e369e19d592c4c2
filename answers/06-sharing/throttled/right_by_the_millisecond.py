# expected: 4/4
# method: one millisecond after the other
def throttled(quota, period, bursts):
    finished, stopped, waited = [], set(), 0
    now, used = 0, 0
    for arrival, work in bursts:
        while now < arrival or work > 0:
            if now % period == 0:
                used = 0
            if now >= arrival:
                if used < quota:
                    used += 1
                    work -= 1
                else:
                    stopped.add(now // period)
                    waited += 1
            now += 1
        finished.append(now)
    return {"finished": finished, "throttled": len(stopped), "waited": waited}
