# expected: 0/3
# hint: Does alone count hand-outs, too?
# misconception: one server alone pays for hand-outs, too
def pool_time(serial, pieces, servers, handout):
    free_at = [serial] * servers
    scheduler = serial
    end = serial
    for piece in pieces:
        first = min(free_at)
        scheduler = max(scheduler, first) + handout
        free_at[free_at.index(first)] = scheduler + piece
        end = max(end, scheduler + piece)
    return end


def speedup(serial, pieces, servers, handout):
    alone = serial + sum(piece + handout for piece in pieces)
    if alone == 0:
        return 1.0
    return alone / pool_time(serial, pieces, servers, handout)
