# expected: 0/4
# hint: It looks as if the burst that arrived at a busy core was dropped.
# misconception: what finds the core busy goes away
def busy_time(bursts, window):
    free_at = 0
    busy = 0
    for arrival, work in sorted(bursts):
        if arrival >= free_at:
            free_at = arrival + work
            busy += max(0, min(free_at, window) - arrival)
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
