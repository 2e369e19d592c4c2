# expected: 0/4
# hint: It looks as if the overlap from 2 to 4 ms vanished.
# misconception: two bursts that overlap are served at once
def busy_time(bursts, window):
    covered_until = 0
    busy = 0
    for arrival, work in sorted(bursts):
        start = max(arrival, covered_until)
        end = min(arrival + work, window)
        if end > start:
            busy += end - start
            covered_until = end
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
