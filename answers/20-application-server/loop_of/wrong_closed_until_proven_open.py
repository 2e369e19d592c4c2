# expected: 0/4
# hint: within an interval
# misconception: what is not open is closed
def loop_of(log, interval):
    latest, held_back = 0, False
    for place, (sent, answered) in enumerate(log):
        if place and sent < latest:
            return "open"
        if place < len(log) - 1 and answered - sent > interval:
            held_back = True
        latest = max(latest, answered)
    return "closed"
