# expected: 0/4
# hint: should be
# misconception: one request was left out
def corrected_latencies(raw, interval):
    result = []
    for latency in raw:
        result.append(latency)
        missing = latency - interval
        if missing >= interval:
            result.append(missing)
            missing -= interval
    return result
