# expected: 0/4
# hint: only falls needs nothing to spare
# misconception: every change needs spare replicas, a fall, too
from math import ceil


def replicas(load, start_time, capacity):
    needs = [ceil(requests / capacity) for requests in load]
    spare = 0
    for now in range(len(needs)):
        first = max(0, now - start_time)
        spare = max(spare, max(needs[first : now + 1]) - min(needs[first : now + 1]))
    return spare
