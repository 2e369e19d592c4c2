# expected: 0/4
# hint: The block at 48 has the bytes 48 to 59.
# misconception: any write to code makes the whole cache void
def translation_cache(events, capacity):
    cache = {}
    hits = translations = flushes = dropped = 0
    for kind, start, size in events:
        if kind == "write":
            void = (
                list(cache)
                if any(at < start + size and start < at + length for at, length in cache.items())
                else []
            )
            for at in void:
                del cache[at]
            dropped += len(void)
        elif start in cache:
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
