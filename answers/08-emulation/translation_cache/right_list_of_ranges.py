# expected: 4/4
# method: keeps a list of ranges and looks through it
def translation_cache(events, capacity):
    blocks = []
    books = {"hits": 0, "translations": 0, "flushes": 0, "dropped": 0}
    for kind, address, size in events:
        if kind == "run":
            if any(first == address for first, _ in blocks):
                books["hits"] += 1
                continue
            if len(blocks) >= capacity:
                blocks = []
                books["flushes"] += 1
            blocks.append((address, address + size - 1))
            books["translations"] += 1
        else:
            last = address + size - 1
            kept = [(a, b) for a, b in blocks if b < address or last < a]
            books["dropped"] += len(blocks) - len(kept)
            blocks = kept
    return {**books, "cached": sorted(first for first, _ in blocks)}
