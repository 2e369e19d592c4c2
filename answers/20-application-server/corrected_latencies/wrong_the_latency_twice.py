# expected: 0/4
# hint: should be
# misconception: the first value put back is the latency itself
def corrected_latencies(raw, interval):
    result = []
    for latency in raw:
        result.append(latency)
        missing = latency
        while missing >= interval:
            result.append(missing)
            missing -= interval
    return result
