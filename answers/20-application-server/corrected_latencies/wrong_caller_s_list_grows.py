# expected: 1/4
# hint: changed the caller's list
# misconception: the list that came may be used for the answer
def corrected_latencies(raw, interval):
    place = 0
    while place < len(raw):
        latency = raw[place]
        missing = list(range(latency - interval, interval - 1, -interval))
        raw[place + 1 : place + 1] = missing
        place += 1 + len(missing)
    return raw
