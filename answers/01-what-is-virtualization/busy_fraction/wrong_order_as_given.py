# expected: 1/4
# hint: A core serves them by arrival.
# misconception: the list is in order of arrival
def busy_time(bursts, window):
    free_at = 0
    busy = 0
    for arrival, work in bursts:
        start = max(arrival, free_at)
        free_at = start + work
        busy += max(0, min(free_at, window) - start)
    return busy


def busy_fraction(tenants, window):
    if not tenants:
        return {"dedicated": 0.0, "shared": 0.0}
    alone = sum(busy_time(bursts, window) for bursts in tenants)
    everyone = [burst for bursts in tenants for burst in bursts]
    return {
        "dedicated": alone / (len(tenants) * window),
        "shared": busy_time(everyone, window) / window,
    }
