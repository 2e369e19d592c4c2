# expected: 0/4
# hint: The flush takes all tags
# misconception: the guest that waited longest gives its tag away
def replay_tlb(trace, capacity, tags):
    entries, tagged = [], []
    hits = flushes = 0
    for guest, page in trace:
        if guest not in tagged:
            if len(tagged) == tags:
                loser = tagged.pop(0)
                entries = [key for key in entries if key[0] != loser]
                flushes += 1
            tagged.append(guest)
        if (guest, page) in entries:
            hits += 1
            entries.remove((guest, page))
        elif len(entries) == capacity:
            entries.pop(0)
        entries.append((guest, page))
    return {"hits": hits, "misses": len(trace) - hits, "flushes": flushes}
