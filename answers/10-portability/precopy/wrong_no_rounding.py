# expected: 0/4
# hint: There are no parts of pages.
# misconception: pages can be split
def precopy(pages, dirty_rate, bandwidth, writable_set, max_downtime, max_rounds):
    left, sent, rounds = pages, 0, 0
    while True:
        rounds += 1
        sent += left
        left = dirty_rate * left / bandwidth
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
