# expected: 0/4
# hint: Does your function return it
# misconception: what is printed is returned
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
                cache = {}
                flushes += 1
            cache[start] = size
            translations += 1
    print(hits, translations, flushes, dropped, sorted(cache))
