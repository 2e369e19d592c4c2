# expected: 0/4
# hint: starts in no time
# misconception: only the step from one tick to the next counts
from math import ceil


def replicas(load, start_time, capacity):
    needs = [ceil(requests / capacity) for requests in load]
    spare = 0
    for now in range(len(needs)):
        first = max(0, now - 1)
        spare = max(spare, needs[now] - min(needs[first : now + 1]))
    return spare
