# expected: 0/4
# hint: That is a percentage.
# misconception: busy is measured in percent, so a fraction is, too
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
        return {"dedicated": 0, "shared": 0}
    alone = sum(busy_time(bursts, window) for bursts in tenants)
    everyone = [burst for bursts in tenants for burst in bursts]
    return {
        "dedicated": 100 * alone / (len(tenants) * window),
        "shared": 100 * busy_time(everyone, window) / window,
    }
