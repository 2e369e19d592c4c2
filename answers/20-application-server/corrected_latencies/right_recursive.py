# expected: 4/4
# method: latencies below two intervals leave nothing out
def filled(latency, interval):
    if latency < 2 * interval:
        return [latency]
    later = latency - interval
    values = [latency]
    while later >= interval:
        values += [later]
        later = later - interval
    return values


def corrected_latencies(raw, interval):
    return sum((filled(latency, interval) for latency in raw), [])
