# expected: 1/4
# hint: 29 pages at 100 a second take exactly 290 ms.
# misconception: floating point is exact
def precopy(pages, dirty_rate, bandwidth, writable_set, max_downtime, max_rounds):
    left, sent, rounds = pages, 0, 0
    while True:
        rounds += 1
        sent += left
        left = (dirty_rate * left + bandwidth - 1) // bandwidth
        left = min(left, writable_set)
        downtime = 1000 * left / bandwidth
        if left <= max_downtime / 1000 * bandwidth or rounds == max_rounds:
            break
    return {
        "rounds": rounds,
        "total": 1000 * sent / bandwidth + downtime,
        "downtime": downtime,
        "forced": left > max_downtime / 1000 * bandwidth,
    }
