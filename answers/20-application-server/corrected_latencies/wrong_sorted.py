# expected: 0/4
# hint: should be
# misconception: a distribution is sorted
def corrected_latencies(raw, interval):
    result = []
    for latency in raw:
        result.append(latency)
        missing = latency - interval
        while missing >= interval:
            result.append(missing)
            missing -= interval
    return sorted(result)
