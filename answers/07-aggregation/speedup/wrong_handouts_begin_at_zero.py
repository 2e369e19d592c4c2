# expected: 1/3
# hint: the hand-outs begin when the serial part is done
# misconception: the scheduler hands out while the serial part runs
def pool_time(serial, pieces, servers, handout):
    free_at = [0] * servers
    scheduler = 0
    end = serial
    for piece in pieces:
        first = min(free_at)
        scheduler = max(scheduler, first) + handout
        done = max(scheduler, serial) + piece
        free_at[free_at.index(first)] = done
        end = max(end, done)
    return end


def speedup(serial, pieces, servers, handout):
    alone = serial + sum(pieces)
    if alone == 0:
        return 1.0
    return alone / pool_time(serial, pieces, servers, handout)
