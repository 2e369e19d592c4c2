# expected: 0/4
# hint: return a tuple of a text and two ints
# misconception: a whole number is as good as an int
import math


def walk(tables, address):
    table = 0x1000
    reads = 0
    for level in (4, 3, 2, 1):
        size = 4096 * 512 ** (level - 1)
        entry = tables[table].get(address // size % 512, 0)
        reads += 1
        if not entry & 1:
            return ("fault", level, reads)
        table = entry & 0x000F_FFFF_FFFF_F000
        if level == 1 or entry & 0x80:
            return ("page", table // size * size + math.fmod(address, size), reads)
