# expected: 1/3
# hint: ZeroDivisionError
# misconception: every job has some work
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
    pass
    return alone / pool_time(serial, pieces, servers, handout)
