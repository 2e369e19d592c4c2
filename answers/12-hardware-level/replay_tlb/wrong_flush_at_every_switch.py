# expected: 0/4
# hint: the second tag is free
# misconception: a switch always flushes
def replay_tlb(trace, capacity, tags):
    entries, last = [], None
    hits = flushes = 0
    for guest, page in trace:
        if last is not None and guest != last:
            entries = []
            flushes += 1
        last = guest
        if (guest, page) in entries:
            hits += 1
            entries.remove((guest, page))
        elif len(entries) == capacity:
            entries.pop(0)
        entries.append((guest, page))
    return {"hits": hits, "misses": len(trace) - hits, "flushes": flushes}
