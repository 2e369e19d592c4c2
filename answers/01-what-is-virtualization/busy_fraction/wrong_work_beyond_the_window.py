# expected: 0/4
# hint: Only the 3 ms inside the window count.
# misconception: a burst that starts in the window is served in it
def busy_time(bursts, window):
    return sum(work for arrival, work in bursts if arrival < window)


def busy_fraction(tenants, window):
    if not tenants:
        return {"dedicated": 0.0, "shared": 0.0}
    alone = sum(busy_time(bursts, window) for bursts in tenants)
    everyone = [burst for bursts in tenants for burst in bursts]
    return {
        "dedicated": alone / (len(tenants) * window),
        "shared": busy_time(everyone, window) / window,
    }
