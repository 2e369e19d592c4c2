# expected: 1/4
# hint: has room for these
# misconception: the rise of the load is divided by the capacity
from math import ceil


def replicas(load, start_time, capacity):
    spare = 0
    for now in range(len(load)):
        steady = min(load[max(0, now - start_time) : now + 1])
        spare = max(spare, ceil((load[now] - steady) / capacity))
    return spare
