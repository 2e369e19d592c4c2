# expected: 0/4
# hint: has no rule that stops for that
# misconception: it stops when rounds get no shorter
def precopy(pages, dirty_rate, bandwidth, writable_set, max_downtime, max_rounds):
    left, sent, rounds = pages, 0, 0
    while True:
        rounds += 1
        sent += left
        before = left
        left = (dirty_rate * left + bandwidth - 1) // bandwidth
        left = min(left, writable_set)
        downtime = 1000 * left / bandwidth
        if downtime <= max_downtime or rounds == max_rounds or left >= before:
            break
    return {
        "rounds": rounds,
        "total": 1000 * sent / bandwidth + downtime,
        "downtime": downtime,
        "forced": downtime > max_downtime,
    }
