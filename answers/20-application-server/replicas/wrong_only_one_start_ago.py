# expected: 1/4
# hint: enough replicas were there before the dip
# misconception: only the moment of the order counts; a dip since then does not
from math import ceil


def replicas(load, start_time, capacity):
    needs = [ceil(requests / capacity) for requests in load]
    spare = 0
    for now in range(len(needs)):
        first = max(0, now - start_time)
        spare = max(spare, needs[now] - needs[first])
    return spare
