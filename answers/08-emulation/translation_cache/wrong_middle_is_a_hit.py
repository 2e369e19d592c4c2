# expected: 0/4
# hint: Only the exact start is a hit.
# misconception: a block is in the cache if its first byte is
def translation_cache(events, capacity):
    cache = {}
    hits = translations = flushes = dropped = 0
    for kind, start, size in events:
        if kind == "write":
            void = [at for at, length in cache.items() if at < start + size and start < at + length]
            for at in void:
                del cache[at]
            dropped += len(void)
        elif any(at <= start < at + length for at, length in cache.items()):
            hits += 1
        else:
            if len(cache) == capacity:
                cache = {}
                flushes += 1
            cache[start] = size
            translations += 1
    return {
        "hits": hits,
        "translations": translations,
        "flushes": flushes,
        "dropped": dropped,
        "cached": sorted(cache),
    }
