# expected: 0/3
# hint: print only shows it
# misconception: to print a result is to return it
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
    print(alone / pool_time(serial, pieces, servers, handout) if alone else 1.0)
