# expected: 1/4
# hint: Multiply before you divide
# misconception: floating point is exact
import math


def precopy(pages, dirty_rate, bandwidth, writable_set, max_downtime, max_rounds):
    left, sent, rounds = pages, 0, 0
    while True:
        rounds += 1
        sent += left
        left = math.ceil(left / bandwidth * dirty_rate)
        left = min(left, writable_set)
        downtime = 1000 * left / bandwidth
        if downtime <= max_downtime or rounds == max_rounds:
            break
    return {
        "rounds": rounds,
        "total": 1000 * sent / bandwidth + downtime,
        "downtime": downtime,
        "forced": downtime > max_downtime,
    }
