# expected: 1/4
# hint: the first round is made while the machine runs
# misconception: a machine that fits is stopped at once
def precopy(pages, dirty_rate, bandwidth, writable_set, max_downtime, max_rounds):
    left, sent, rounds = pages, 0, 0
    downtime = 1000 * left / bandwidth
    while downtime > max_downtime:
        rounds += 1
        sent += left
        left = (dirty_rate * left + bandwidth - 1) // bandwidth
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
