# expected: 0/4
# hint: 11 requests need two replicas
# misconception: one more to be sure, in each tick
from math import ceil


def replicas(load, start_time, capacity):
    needs = [requests // capacity + 1 for requests in load]
    spare = 0
    for now in range(len(needs)):
        first = max(0, now - start_time)
        spare = max(spare, needs[now] - min(needs[first : now + 1]))
    return spare
