# expected: 4/4
# method: need against the smallest need within one start
from math import ceil


def replicas(load, start_time, capacity):
    needs = [ceil(requests / capacity) for requests in load]
    spare = 0
    for now in range(len(needs)):
        first = max(0, now - start_time)
        spare = max(spare, needs[now] - min(needs[first : now + 1]))
    return spare
