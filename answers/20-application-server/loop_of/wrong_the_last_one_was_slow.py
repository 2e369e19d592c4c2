# expected: 0/4
# hint: nothing came after it
# misconception: a slow answer alone says that the generator waited
def loop_of(log, interval):
    latest, held_back = 0, False
    for place, (sent, answered) in enumerate(log):
        if place and sent < latest:
            return "open"
        if answered - sent > interval:
            held_back = True
        latest = max(latest, answered)
    return "closed" if held_back else None
