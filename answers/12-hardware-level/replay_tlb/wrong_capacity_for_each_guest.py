# expected: 0/4
# hint: The capacity is for all guests together
# misconception: each guest has a part of its own
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
        elif len([key for key in entries if key[0] == guest]) == capacity:
            entries.remove([key for key in entries if key[0] == guest][0])
        entries.append((guest, page))
    return {"hits": hits, "misses": len(trace) - hits, "flushes": flushes}
