# expected: 0/4
# hint: not page 1 of another
# misconception: a translation is good for every guest
def replay_tlb(trace, capacity, tags):
    entries, tagged = [], set()
    hits = flushes = 0
    for guest, page in trace:
        if guest not in tagged:
            if len(tagged) == tags:
                entries, tagged = [], set()
                flushes += 1
            tagged.add(guest)
        if page in entries:
            hits += 1
            entries.remove(page)
        elif len(entries) == capacity:
            entries.pop(0)
        entries.append(page)
    return {"hits": hits, "misses": len(trace) - hits, "flushes": flushes}
