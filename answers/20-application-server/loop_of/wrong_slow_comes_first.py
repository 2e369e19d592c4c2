# expected: 0/4
# hint: did not wait
# misconception: a slow answer means a closed loop, whatever was sent meanwhile
def loop_of(log, interval):
    if any(answered - sent > interval for sent, answered in log[:-1]):
        return "closed"
    latest = 0
    for sent, answered in log:
        if sent < latest:
            return "open"
        latest = max(latest, answered)
    return None
