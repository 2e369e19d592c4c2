# expected: 1/4
# hint: One stall is enough
# misconception: the server was slow only if it was slow on average
def loop_of(log, interval):
    latest = 0
    for sent, answered in log:
        if sent < latest:
            return "open"
        latest = max(latest, answered)
    took = [answered - sent for sent, answered in log[:-1]]
    if took and sum(took) / len(took) > interval:
        return "closed"
    return None
