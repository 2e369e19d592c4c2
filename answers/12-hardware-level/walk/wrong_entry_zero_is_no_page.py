# expected: 1/4
# hint: A page at the physical address 0 is a page
# misconception: the address 0 means nothing
def walk(tables, address):
    table = 0x1000
    reads = 0
    for level, shift in ((4, 39), (3, 30), (2, 21), (1, 12)):
        entry = tables[table].get(address >> shift & 511, 0)
        reads += 1
        if not entry & 1 or not (entry & 0x000F_FFFF_FFFF_F000):
            return ("fault", level, reads)
        table = entry & 0x000F_FFFF_FFFF_F000
        if level == 1 or entry & 0x80:
            return ("page", table >> shift << shift | address & (1 << shift) - 1, reads)
