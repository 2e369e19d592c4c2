# expected: 0/4
# hint: each switch flushes
# misconception: a new tag is enough, old entries may stay
def replay_tlb(trace, capacity, tags):
    entries, tagged = [], set()
    hits = flushes = 0
    for guest, page in trace:
        if guest not in tagged:
            if len(tagged) == tags:
                tagged = set()
                flushes += 1
            tagged.add(guest)
        if (guest, page) in entries:
            hits += 1
            entries.remove((guest, page))
        elif len(entries) == capacity:
            entries.pop(0)
        entries.append((guest, page))
    return {"hits": hits, "misses": len(trace) - hits, "flushes": flushes}
