# expected: 0/3
# hint: You shared the work evenly.
# misconception: a piece can be cut further
def speedup(serial, pieces, servers, handout):
    alone = serial + sum(pieces)
    if alone == 0:
        return 1.0
    return alone / (
        serial + sum(pieces) / min(servers, max(1, len(pieces))) + handout * len(pieces)
    )
