# expected: 0/4
# hint: Nothing counts as dropped.
# misconception: what a flush throws away is dropped, too
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
            if len(cache) == capacity:
                dropped += len(cache)
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
