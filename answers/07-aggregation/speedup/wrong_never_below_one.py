# expected: 0/3
# hint: A pool of one server pays for hand-outs, too
# misconception: more servers can never be slower
def pool_time(serial, pieces, servers, handout):
    free_at = [serial] * servers
    scheduler = serial
    end = serial
    for piece in pieces:
        first = min(free_at)
        scheduler = max(scheduler, first) + handout
        done = scheduler + piece
        free_at[free_at.index(first)] = done
        end = max(end, done)
    return end


def speedup(serial, pieces, servers, handout):
    alone = serial + sum(pieces)
    if alone == 0:
        return 1.0
    return max(1.0, alone / pool_time(serial, pieces, servers, handout))
