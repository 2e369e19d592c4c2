# expected: 0/4
# hint: at least one interval
# misconception: equal does not count
def corrected_latencies(raw, interval):
    result = []
    for latency in raw:
        result.append(latency)
        missing = latency - interval
        while missing > interval:
            result.append(missing)
            missing -= interval
    return result
