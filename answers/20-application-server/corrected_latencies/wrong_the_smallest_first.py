# expected: 0/4
# hint: should be
# misconception: the latencies grow during a stall
def corrected_latencies(raw, interval):
    result = []
    for latency in raw:
        missing = [latency - step * interval for step in range(1, latency // interval)]
        result += [latency, *reversed(missing)]
    return result
