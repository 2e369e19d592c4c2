# expected: 1/4
# hint: even if all of its entries have made room
# misconception: a guest without entries has no tag
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
            entries.remove((guest, page))
        elif len(entries) == capacity:
            entries.pop(0)
        entries.append((guest, page))
        tagged = {key[0] for key in entries}
    return {"hits": hits, "misses": len(trace) - hits, "flushes": flushes}
