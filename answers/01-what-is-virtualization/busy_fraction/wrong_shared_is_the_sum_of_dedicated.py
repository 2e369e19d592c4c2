# expected: 1/4
# hint: the rest does not count
# misconception: a shared core is as busy as all dedicated cores together, so what is cut off on them is cut off here
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
        return {"dedicated": 0.0, "shared": 0.0}
    alone = sum(busy_time(bursts, window) for bursts in tenants)
    return {"dedicated": alone / (len(tenants) * window), "shared": alone / window}
