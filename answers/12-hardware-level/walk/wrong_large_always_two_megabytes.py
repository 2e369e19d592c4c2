# expected: 0/4
# hint: the low 30 bits are the offset
# misconception: every large page has 2 MiB
def walk(tables, address):
    table = 0x1000
    reads = 0
    for level, shift in ((4, 39), (3, 30), (2, 21), (1, 12)):
        entry = tables[table].get(address >> shift & 511, 0)
        reads += 1
        if not entry & 1:
            return ("fault", level, reads)
        table = entry & 0x000F_FFFF_FFFF_F000
        if level == 1 or entry & 0x80:
            size = 12 if level == 1 else 21
            return ("page", table >> size << size | address & (1 << size) - 1, reads)
