# expected: 4/4
# method: the backlog of work, drained between one arrival and the next
from itertools import chain


def core(bursts, window):
    backlog = now = busy = 0
    for arrival, work in [*sorted(bursts), (window, 0)]:
        arrival = min(arrival, window)
        done = min(backlog, arrival - now)
        busy += done
        backlog += work - done
        now = arrival
    return busy / window


def busy_fraction(tenants, window):
    alone = [core(bursts, window) for bursts in tenants]
    dedicated = sum(alone) / len(alone) if alone else 0.0
    return {"dedicated": dedicated, "shared": core(chain.from_iterable(tenants), window)}
