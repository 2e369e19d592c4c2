# expected: 0/4
# hint: did not wait
# misconception: the first sign in the log decides, and not the strongest
def loop_of(log, interval):
    latest = 0
    for place, (sent, answered) in enumerate(log):
        if place and sent < latest:
            return "open"
        if place < len(log) - 1 and answered - sent > interval:
            return "closed"
        latest = max(latest, answered)
    return None
