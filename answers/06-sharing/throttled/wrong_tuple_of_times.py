# expected: 0/4
# hint: a list of numbers
# misconception: a tuple is as good as a list
from collections import defaultdict


def throttled(quota, period, bursts):
    used = defaultdict(int)
    now, finished, stops = 0, [], {}
    for arrival, work in bursts:
        now = max(now, arrival)
        while work > 0:
            number = now // period
            until_end = (number + 1) * period - now
            may = min(quota - used[number], until_end)
            if may <= 0:
                stops[number] = until_end
                now += until_end
                continue
            step = min(work, may)
            used[number] += step
            work -= step
            now += step
        finished.append(now)
    return {"finished": tuple(finished), "throttled": len(stops), "waited": sum(stops.values())}
