# expected: 0/4
# hint: The next value
# misconception: what was left out waited for whole intervals
def corrected_latencies(raw, interval):
    result = []
    for latency in raw:
        result.append(latency)
        for number in range(1, latency // interval):
            result.append(number * interval)
    return result
