# expected: 0/4
# hint: Your function changed the trace
# misconception: the trace is mine to use up
def replay_tlb(trace, capacity, tags):
    entries, tagged = [], set()
    hits = misses = flushes = 0
    while trace:
        guest, page = trace.pop(0)
        if guest not in tagged:
            if len(tagged) == tags:
                entries, tagged = [], set()
                flushes += 1
            tagged.add(guest)
        if (guest, page) in entries:
            hits += 1
            entries.remove((guest, page))
        else:
            misses += 1
            if len(entries) == capacity:
                entries.pop(0)
        entries.append((guest, page))
    return {"hits": hits, "misses": misses, "flushes": flushes}
