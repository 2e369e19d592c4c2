# expected: 0/4
# hint: each call begins with an empty TLB
# misconception: a default list is a new one in each call
def replay_tlb(trace, capacity, tags, entries=[], tagged=set()):
    hits = flushes = 0
    for guest, page in trace:
        if guest not in tagged:
            if len(tagged) == tags:
                entries.clear()
                tagged.clear()
                flushes += 1
            tagged.add(guest)
        if (guest, page) in entries:
            hits += 1
            entries.remove((guest, page))
        elif len(entries) == capacity:
            entries.pop(0)
        entries.append((guest, page))
    return {"hits": hits, "misses": len(trace) - hits, "flushes": flushes}
