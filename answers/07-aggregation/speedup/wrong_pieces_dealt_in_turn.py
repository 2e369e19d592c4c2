# expected: 0/3
# hint: You gave the pieces out in turn.
# misconception: each server gets every n-th piece
def pool_time(serial, pieces, servers, handout):
    free_at = [serial] * servers
    scheduler = serial
    for number, piece in enumerate(pieces):
        server = number % servers
        scheduler = max(scheduler, free_at[server]) + handout
        free_at[server] = scheduler + piece
    return max(free_at)


def speedup(serial, pieces, servers, handout):
    alone = serial + sum(pieces)
    if alone == 0:
        return 1.0
    return alone / pool_time(serial, pieces, servers, handout)
