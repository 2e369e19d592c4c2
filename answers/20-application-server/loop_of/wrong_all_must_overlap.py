# expected: 0/4
# hint: is enough, wherever it stands
# misconception: a loop is open if no request ever waited
def loop_of(log, interval):
    neighbours = list(zip(log, log[1:]))
    if neighbours and all(second[0] < first[1] for first, second in neighbours):
        return "open"
    if any(answered - sent > interval for sent, answered in log[:-1]):
        return "closed"
    return None
