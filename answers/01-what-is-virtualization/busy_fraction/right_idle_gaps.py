# expected: 4/4
# method: adds up the idle gaps instead of the busy time
def idle_time(bursts, window):
    idle = 0
    done_until = 0
    for arrival, work in sorted(bursts, key=lambda burst: burst[0]):
        if arrival >= window:
            break
        if arrival > done_until:
            idle += arrival - done_until
            done_until = arrival
        done_until += work
    return idle + max(0, window - done_until)


def busy_fraction(tenants, window):
    if len(tenants) == 0:
        return {"dedicated": 0, "shared": 0}
    fractions = [1 - idle_time(bursts, window) / window for bursts in tenants]
    return {
        "dedicated": sum(fractions) / len(fractions),
        "shared": 1 - idle_time(sum(tenants, []), window) / window,
    }
