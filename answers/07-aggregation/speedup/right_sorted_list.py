# expected: 3/3
# method: one sorted list of free times, and one function
def speedup(serial, pieces, servers, handout):
    if not serial and not pieces:
        return 1.0
    ends = [0.0] * servers
    scheduler = last = 0.0
    for seconds in list(pieces):
        ends.sort()
        start = scheduler if scheduler > ends[0] else ends[0]
        scheduler = start + handout
        ends[0] = scheduler + seconds
        if ends[0] > last:
            last = ends[0]
    return (serial + sum(pieces)) / (serial + last)
