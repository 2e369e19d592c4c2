# expected: 0/3
# hint: You divided the serial part, too, or left it out.
# misconception: all of a job can be shared
def speedup(serial, pieces, servers, handout):
    alone = serial + sum(pieces)
    if alone == 0:
        return 1.0
    return alone / (alone / servers + handout * len(pieces))
