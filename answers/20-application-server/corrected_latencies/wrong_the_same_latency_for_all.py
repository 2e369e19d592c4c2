# expected: 0/4
# hint: The next value
# misconception: all that were left out waited as long as the first
def corrected_latencies(raw, interval):
    result = []
    for latency in raw:
        result.append(latency)
        missing = latency - interval
        while missing >= interval:
            result.append(latency)
            missing -= interval
    return result
