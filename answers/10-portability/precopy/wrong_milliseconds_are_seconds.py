# expected: 0/4
# hint: max_downtime is in milliseconds
# misconception: one unit for all times
def precopy(pages, dirty_rate, bandwidth, writable_set, max_downtime, max_rounds):
    left, sent, rounds = pages, 0, 0
    while True:
        rounds += 1
        sent += left
        left = (dirty_rate * left + bandwidth - 1) // bandwidth
        left = min(left, writable_set)
        downtime = 1000 * left / bandwidth
        if downtime / 1000 <= max_downtime or rounds == max_rounds:
            break
    return {
        "rounds": rounds,
        "total": 1000 * sent / bandwidth + downtime,
        "downtime": downtime,
        "forced": downtime / 1000 > max_downtime,
    }
