# expected: 3/3
# method: a heap of the times at which the servers are free
import heapq


def pool_time(serial, pieces, servers, handout):
    free = [serial] * servers
    ready = end = serial
    for piece in pieces:
        ready = max(ready, heapq.heappop(free)) + handout
        heapq.heappush(free, ready + piece)
        end = max(end, ready + piece)
    return end


def speedup(serial, pieces, servers, handout):
    alone = serial + sum(pieces)
    return alone / pool_time(serial, pieces, servers, handout) if alone else 1.0
