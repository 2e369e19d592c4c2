# expected: 0/4
# hint: Only bits 12 to 51 are the address
# misconception: all that is above the low 12 bits is the address
def walk(tables, address):
    table = 0x1000
    reads = 0
    for level, shift in ((4, 39), (3, 30), (2, 21), (1, 12)):
        entry = tables[table].get(address >> shift & 511, 0)
        reads += 1
        if not entry & 1:
            return ("fault", level, reads)
        table = entry >> 12 << 12
        if level == 1 or entry & 0x80:
            return ("page", table >> shift << shift | address & (1 << shift) - 1, reads)
