# expected: 1/4
# hint: are two things
# misconception: a name and a number written together are a key
def replay_tlb(trace, capacity, tags):
    entries, tagged = [], set()
    hits = flushes = 0
    for guest, page in trace:
        if guest not in tagged:
            if len(tagged) == tags:
                entries, tagged = [], set()
                flushes += 1
            tagged.add(guest)
        if guest + str(page) in entries:
            hits += 1
            entries.remove(guest + str(page))
        elif len(entries) == capacity:
            entries.pop(0)
        entries.append(guest + str(page))
    return {"hits": hits, "misses": len(trace) - hits, "flushes": flushes}
