# expected: 0/4
# hint: held back
# misconception: who sends at the time of the answer did not wait for it
def loop_of(log, interval):
    latest, held_back = 0, False
    for place, (sent, answered) in enumerate(log):
        if place and sent <= latest:
            return "open"
        if place < len(log) - 1 and answered - sent > interval:
            held_back = True
        latest = max(latest, answered)
    return "closed" if held_back else None
