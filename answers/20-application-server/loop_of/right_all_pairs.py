# expected: 4/4
# method: all pairs of requests are compared
def loop_of(log, interval):
    for later, (sent, _) in enumerate(log):
        if any(answered > sent for _, answered in log[:later]):
            return "open"
    slow = [answered - sent > interval for sent, answered in log[:-1]]
    return "closed" if any(slow) else None
