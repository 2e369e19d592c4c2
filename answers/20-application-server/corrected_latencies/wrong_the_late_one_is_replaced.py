# expected: 0/4
# hint: should be
# misconception: the stall is replaced by what was left out
def corrected_latencies(raw, interval):
    result = []
    for latency in raw:
        missing = latency - interval
        if missing < interval:
            result.append(latency)
        while missing >= interval:
            result.append(missing)
            missing -= interval
    return result
