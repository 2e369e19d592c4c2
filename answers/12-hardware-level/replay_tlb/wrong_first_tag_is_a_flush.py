# expected: 0/4
# hint: the first tag is free
# misconception: a guest that gets a tag flushes
def replay_tlb(trace, capacity, tags):
    entries, tagged = [], set()
    hits = flushes = 0
    for guest, page in trace:
        if guest not in tagged:
            flushes += 1
            if len(tagged) == tags:
                entries, tagged = [], set()
            tagged.add(guest)
        if (guest, page) in entries:
            hits += 1
            entries.remove((guest, page))
        elif len(entries) == capacity:
            entries.pop(0)
        entries.append((guest, page))
    return {"hits": hits, "misses": len(trace) - hits, "flushes": flushes}
