# expected: 0/3
# hint: The job is done when its last piece is done, whichever that is
# misconception: the piece handed out last ends last
def pool_time(serial, pieces, servers, handout):
    free_at = [serial] * servers
    scheduler = serial
    end = serial
    for piece in pieces:
        first = min(free_at)
        scheduler = max(scheduler, first) + handout
        done = scheduler + piece
        free_at[free_at.index(first)] = done
        end = done
    return end


def speedup(serial, pieces, servers, handout):
    alone = serial + sum(pieces)
    if alone == 0:
        return 1.0
    return alone / pool_time(serial, pieces, servers, handout)
