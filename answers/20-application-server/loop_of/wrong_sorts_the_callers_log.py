# expected: 1/4
# hint: Your function changed the caller's log.
# misconception: the log is mine to sort
def loop_of(log, interval):
    log.sort()
    for later, (sent, _) in enumerate(log):
        if any(answered > sent for _, answered in log[:later]):
            return "open"
    slow = [answered - sent > interval for sent, answered in log[:-1]]
    return "closed" if any(slow) else None
