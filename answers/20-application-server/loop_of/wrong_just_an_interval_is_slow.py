# expected: 0/4
# hint: just one interval
# misconception: a request that took exactly an interval held the next one back
def loop_of(log, interval):
    latest, held_back = 0, False
    for place, (sent, answered) in enumerate(log):
        if place and sent < latest:
            return "open"
        if place < len(log) - 1 and answered - sent >= interval:
            held_back = True
        latest = max(latest, answered)
    return "closed" if held_back else None
