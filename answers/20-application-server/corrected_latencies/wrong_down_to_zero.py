# expected: 0/4
# hint: less than an interval
# misconception: all that is above zero is put back
def corrected_latencies(raw, interval):
    result = []
    for latency in raw:
        result.append(latency)
        missing = latency - interval
        while missing > 0:
            result.append(missing)
            missing -= interval
    return result
