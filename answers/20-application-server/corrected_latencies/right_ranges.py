# expected: 4/4
# method: a range that counts down to one interval
def corrected_latencies(raw, interval):
    return [
        value
        for latency in raw
        for value in [latency, *range(latency - interval, interval - 1, -interval)]
    ]
