# expected: 0/4
# hint: The hit made page 1 the latest used
# misconception: the oldest entry makes room
def replay_tlb(trace, capacity, tags):
    entries, tagged = [], set()
    hits = flushes = 0
    for guest, page in trace:
        if guest not in tagged:
            if len(tagged) == tags:
                entries, tagged = [], set()
                flushes += 1
            tagged.add(guest)
        if (guest, page) in entries:
            hits += 1
            continue
        elif len(entries) == capacity:
            entries.pop(0)
        entries.append((guest, page))
    return {"hits": hits, "misses": len(trace) - hits, "flushes": flushes}
