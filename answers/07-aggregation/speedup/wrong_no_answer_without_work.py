# expected: 1/3
# hint: A job without any work gives 1.0
# misconception: no work, no answer
def pool_time(serial, pieces, servers, handout):
    free_at = [serial] * servers
    scheduler = end = serial
    for piece in pieces:
        first = min(free_at)
        scheduler = max(scheduler, first) + handout
        free_at[free_at.index(first)] = scheduler + piece
        end = max(end, scheduler + piece)
    return end


def speedup(serial, pieces, servers, handout):
    alone = serial + sum(pieces)
    if alone:
        return alone / pool_time(serial, pieces, servers, handout)
    return None
