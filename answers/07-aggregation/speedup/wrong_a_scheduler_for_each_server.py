# expected: 0/3
# hint: Each server seems to have a scheduler of its own.
# misconception: hand-outs to different servers happen at once
def pool_time(serial, pieces, servers, handout):
    free_at = [serial] * servers
    scheduler = serial
    end = serial
    for piece in pieces:
        first = min(free_at)
        done = first + handout + piece
        free_at[free_at.index(first)] = done
        end = max(end, done)
    return end


def speedup(serial, pieces, servers, handout):
    alone = serial + sum(pieces)
    if alone == 0:
        return 1.0
    return alone / pool_time(serial, pieces, servers, handout)
