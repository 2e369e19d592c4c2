# expected: 4/4
# method: an OrderedDict and a count of free tags
from collections import OrderedDict


def replay_tlb(trace, capacity, tags):
    tlb, tag_of = OrderedDict(), {}
    counts = {"hits": 0, "misses": 0, "flushes": 0}
    for guest, page in trace:
        if guest not in tag_of and len(tag_of) == tags:
            tlb.clear()
            tag_of.clear()
            counts["flushes"] += 1
        key = tag_of.setdefault(guest, len(tag_of)), page
        counts["hits" if key in tlb else "misses"] += 1
        tlb[key] = True
        tlb.move_to_end(key)
        if len(tlb) > capacity:
            tlb.popitem(last=False)
    return counts
