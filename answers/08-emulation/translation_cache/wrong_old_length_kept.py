# expected: 1/4
# hint: A block that was translated again has its new length.
# misconception: a block's length never changes
def translation_cache(events, capacity):
    cache, lengths = {}, {}
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
                cache, lengths = {}, {}
                flushes += 1
            cache[start] = lengths.setdefault(start, size)
            translations += 1
    return {
        "hits": hits,
        "translations": translations,
        "flushes": flushes,
        "dropped": dropped,
        "cached": sorted(cache),
    }
