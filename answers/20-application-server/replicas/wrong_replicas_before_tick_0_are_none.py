# expected: 0/4
# hint: should be 0
# misconception: before tick 0 nothing runs
from math import ceil


def replicas(load, start_time, capacity):
    needs = [ceil(requests / capacity) for requests in load]
    spare = 0
    for now in range(len(needs)):
        first = max(0, now - start_time)
        spare = max(spare, needs[now] - min([0] * (start_time > now) + needs[first : now + 1]))
    return spare
