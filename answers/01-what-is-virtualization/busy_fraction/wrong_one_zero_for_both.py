# expected: 1/4
# hint: There should be a dictionary with both keys.
# misconception: where nothing happens, the form of the answer does not matter
def busy_time(bursts, window):
    free_at = 0
    busy = 0
    for arrival, work in sorted(bursts):
        start = max(arrival, free_at)
        free_at = start + work
        busy += max(0, min(free_at, window) - start)
    return busy


def busy_fraction(tenants, window):
    if not tenants:
        return 0
    alone = sum(busy_time(bursts, window) for bursts in tenants)
    everyone = [burst for bursts in tenants for burst in bursts]
    return {
        "dedicated": alone / (len(tenants) * window),
        "shared": busy_time(everyone, window) / window,
    }
