# expected: 0/4
# hint: rises by one within one start
# misconception: all rises add up
from math import ceil


def replicas(load, start_time, capacity):
    needs = [ceil(requests / capacity) for requests in load]
    spare = 0
    for before, after in zip(needs, needs[1:]):
        spare += max(0, after - before)
    return spare if start_time else 0
