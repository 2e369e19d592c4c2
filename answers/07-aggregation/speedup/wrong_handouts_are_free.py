# expected: 0/3
# hint: You left out what the hand-outs cost.
# misconception: sharing work costs nothing
def pool_time(serial, pieces, servers, handout):
    free_at = [serial] * servers
    scheduler = serial
    end = serial
    for piece in pieces:
        first = min(free_at)
        done = first + piece
        free_at[free_at.index(first)] = done
        end = max(end, done)
    return end


def speedup(serial, pieces, servers, handout):
    alone = serial + sum(pieces)
    if alone == 0:
        return 1.0
    return alone / pool_time(serial, pieces, servers, handout)
