# expected: 0/4
# hint: starts in no time
# misconception: a replica serves one tick later
from math import ceil


def replicas(load, start_time, capacity):
    needs = [ceil(requests / capacity) for requests in load]
    spare = 0
    for now in range(len(needs)):
        first = max(0, now - start_time - 1)
        spare = max(spare, needs[now] - min(needs[first : now + 1]))
    return spare
