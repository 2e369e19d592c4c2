# expected: 1/4
# hint: by however little
# misconception: requests overlap only if one of them took longer than two intervals
def loop_of(log, interval):
    latest, held_back = 0, False
    for place, (sent, answered) in enumerate(log):
        if place and sent < latest - interval // 2:
            return "open"
        if place < len(log) - 1 and answered - sent > interval:
            held_back = True
        latest = max(latest, answered)
    return "closed" if held_back else None
