# expected: 4/4
# method: itertools gives the latest answer before each request
from itertools import accumulate


def loop_of(log, interval):
    latest = list(accumulate((answered for _, answered in log), max))
    if any(sent < before for (sent, _), before in zip(log[1:], latest)):
        return "open"
    longest = max((answered - sent for sent, answered in log[:-1]), default=0)
    if longest > interval:
        return "closed"
    return None
