# expected: 0/4
# hint: A walk only reads, also where an entry is missing.
# misconception: to look up a missing entry is to put in a zero
def two_stage(memory, guest, host, address, write):
    bits, reads = 0x000F_FFFF_FFFF_F000, 0

    def through_host(place, for_write):
        nonlocal reads
        table, writable = host[0], 2
        for level in range(host[1], 0, -1):
            entry = memory.setdefault(table + 8 * (place >> 3 + 9 * level & 511), 0)
            reads += 1
            if not entry & 1:
                return None
            writable &= entry
            table = entry & bits
        return None if for_write and not writable else table | place & 4095

    table, writable = guest[0], 2
    for level in range(guest[1], 0, -1):
        place = table + 8 * (address >> 3 + 9 * level & 511)
        where = through_host(place, False)
        if where is None:
            return ("host", place, reads)
        entry = memory.setdefault(where, 0)
        reads += 1
        if not entry & 1:
            return ("guest", address, reads)
        writable &= entry
        table = entry & bits
    if write and not writable:
        return ("guest", address, reads)
    place = table | address & 4095
    where = through_host(place, write)
    return ("host", place, reads) if where is None else ("page", where, reads)
