# expected: 1/4
# hint: A hit needs no room, so it never flushes.
# misconception: a cache is flushed as soon as it is full
def translation_cache(events, capacity):
    cache = {}
    hits = translations = flushes = dropped = 0
    for kind, start, size in events:
        if kind == "write":
            void = [at for at, length in cache.items() if at < start + size and start < at + length]
            for at in void:
                del cache[at]
            dropped += len(void)
        elif start in cache:
            hits += 1
        else:
            cache[start] = size
            if len(cache) == capacity:
                cache = {}
                flushes += 1
            translations += 1
    return {
        "hits": hits,
        "translations": translations,
        "flushes": flushes,
        "dropped": dropped,
        "cached": sorted(cache),
    }
