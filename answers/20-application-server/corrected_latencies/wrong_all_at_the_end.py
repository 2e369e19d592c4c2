# expected: 0/4
# hint: right behind its latency
# misconception: the order does not matter
def corrected_latencies(raw, interval):
    result = []
    result += raw
    for latency in raw:
        missing = latency - interval
        while missing >= interval:
            result.append(missing)
            missing -= interval
    return result
