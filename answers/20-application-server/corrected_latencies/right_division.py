# expected: 4/4
# method: how many requests were due is a division
def corrected_latencies(raw, interval):
    result = []
    for latency in raw:
        due = max(latency // interval, 1)
        result.extend(latency - number * interval for number in range(due))
    return result
