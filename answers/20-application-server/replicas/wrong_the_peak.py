# expected: 0/4
# hint: comes too late
# misconception: as many spare ones as the peak needs
from math import ceil


def replicas(load, start_time, capacity):
    return max((ceil(requests / capacity) for requests in load), default=0)
