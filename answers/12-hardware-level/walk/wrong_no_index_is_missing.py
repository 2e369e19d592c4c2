# expected: 0/4
# hint: An index may be missing (try get)
# misconception: a table has an entry for every index
def walk(tables, address):
    table = 0x1000
    reads = 0
    for level, shift in ((4, 39), (3, 30), (2, 21), (1, 12)):
        entry = tables[table][address >> shift & 511]
        reads += 1
        if not entry & 1:
            return ("fault", level, reads)
        table = entry & 0x000F_FFFF_FFFF_F000
        if level == 1 or entry & 0x80:
            return ("page", table >> shift << shift | address & (1 << shift) - 1, reads)
