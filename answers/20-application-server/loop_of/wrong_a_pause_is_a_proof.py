# expected: 0/4
# hint: A pause is no proof
# misconception: requests that are further apart than an interval were held back
def loop_of(log, interval):
    latest = 0
    for sent, answered in log:
        if sent < latest:
            return "open"
        latest = max(latest, answered)
    for (sent, _), (following, _) in zip(log, log[1:]):
        if following - sent > interval:
            return "closed"
    return None
