# expected: 0/4
# hint: rises by one within one start
# misconception: the whole load must be covered, however long it takes to rise
from math import ceil


def replicas(load, start_time, capacity):
    needs = [ceil(requests / capacity) for requests in load]
    return max(needs) - min(needs) if needs and start_time else 0
