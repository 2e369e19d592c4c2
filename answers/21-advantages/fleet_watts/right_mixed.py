# expected: 4/4
# method: a weighted mean of idle and peak
def watts_of(idle, peak, capacity, demands, on):
    done = min(sum(demands), capacity)
    if on:
        return (idle * (capacity - done) + peak * done) / capacity
    if done:
        raise ValueError("machines ask a server that is off")
    return 0


def fleet_watts(servers):
    return sum(watts_of(**server) for server in servers)
