# expected: 0/4
# hint: comes too late
# misconception: a replica serves one tick earlier
from math import ceil


def replicas(load, start_time, capacity):
    needs = [ceil(requests / capacity) for requests in load]
    spare = 0
    for now in range(len(needs)):
        first = min(now, max(0, now - start_time + 1))
        spare = max(spare, needs[now] - min(needs[first : now + 1]))
    return spare
