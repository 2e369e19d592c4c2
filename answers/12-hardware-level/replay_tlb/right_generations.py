# expected: 4/4
# method: nothing is deleted: keys carry the number of the flush, a look back finds the last use
def replay_tlb(trace, capacity, tags):
    generation, owners, history, hits = 0, [], [], 0
    for guest, page in trace:
        if guest not in owners:
            if len(owners) == tags:
                generation, owners = generation + 1, []
            owners.append(guest)
        recent = []
        for key in reversed(history):
            if key[0] != generation or len(recent) == capacity:
                break
            if key not in recent:
                recent.append(key)
        hits += (generation, guest, page) in recent
        history.append((generation, guest, page))
    return {"hits": hits, "misses": len(history) - hits, "flushes": generation}
