# expected: 4/4
# method: one step for a level, by recursion and division
def step(tables, table, address, level):
    span = 4096 * 512 ** (level - 1)
    entry = tables[table].get(address // span % 512, 0)
    reads = 5 - level
    if entry % 2 == 0:
        return "fault", level, reads
    place = entry % 2**52 // 4096 * 4096
    if level == 1 or (entry >> 7) % 2 == 1:
        return "page", place // span * span + address % span, reads
    return step(tables, place, address, level - 1)


def walk(tables, address):
    return step(tables, 0x1000, address, 4)
