# expected: 0/4
# hint: the offset 0xABC
# misconception: the lowest nine bits of the page number index the top table
def walk(tables, address):
    table = 0x1000
    reads = 0
    for level, shift in ((4, 12), (3, 21), (2, 30), (1, 39)):
        entry = tables[table].get(address >> shift & 511, 0)
        reads += 1
        if not entry & 1:
            return ("fault", level, reads)
        table = entry & 0x000F_FFFF_FFFF_F000
        if level == 1 or entry & 0x80:
            return ("page", table >> shift << shift | address & (1 << shift) - 1, reads)
