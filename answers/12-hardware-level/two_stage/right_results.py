# expected: 4/4
# method: each walk returns what happened, how far it came and what it cost
FRAME = ((1 << 52) - 1) & ~4095


def host_walk(memory, host, place, write):
    table, levels = host
    writable = True
    for done in range(levels):
        shift = 12 + 9 * (levels - 1 - done)
        entry = memory.get(table + (place >> shift) % 512 * 8, 0)
        if not entry & 1:
            return None, done + 1
        writable = writable and bool(entry & 2)
        table = entry & FRAME
    if write and not writable:
        return None, levels
    return table + place % 4096, levels


def two_stage(memory, guest, host, address, write):
    table, levels = guest
    writable, total = True, 0
    for done in range(levels):
        shift = 12 + 9 * (levels - 1 - done)
        place = table + (address >> shift) % 512 * 8
        where, cost = host_walk(memory, host, place, False)
        total += cost
        if where is None:
            return "host", place, total
        entry, total = memory.get(where, 0), total + 1
        if not entry & 1:
            return "guest", address, total
        writable = writable and bool(entry & 2)
        table = entry & FRAME
    if write and not writable:
        return "guest", address, total
    place = table + address % 4096
    where, cost = host_walk(memory, host, place, write)
    if where is None:
        return "host", place, total + cost
    return "page", where, total + cost
