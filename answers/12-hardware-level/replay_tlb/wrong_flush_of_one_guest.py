# expected: 0/4
# hint: The flush takes all tags and all entries
# misconception: only the guest that comes loses its entries
def replay_tlb(trace, capacity, tags):
    entries, tagged = [], set()
    hits = flushes = 0
    for guest, page in trace:
        if guest not in tagged:
            if len(tagged) == tags:
                entries, tagged = [key for key in entries if key[0] != guest], set()
                flushes += 1
            tagged.add(guest)
        if (guest, page) in entries:
            hits += 1
            entries.remove((guest, page))
        elif len(entries) == capacity:
            entries.pop(0)
        entries.append((guest, page))
    return {"hits": hits, "misses": len(trace) - hits, "flushes": flushes}
