# expected: 4/4
# method: a class with a method for each kind of event
class Cache:
    def __init__(self, capacity):
        self.capacity = capacity
        self.end = {}
        self.hits = self.translations = self.flushes = self.dropped = 0

    def run(self, start, length):
        if start in self.end:
            self.hits += 1
            return
        if len(self.end) == self.capacity:
            self.end.clear()
            self.flushes += 1
        self.end[start] = start + length
        self.translations += 1

    def write(self, address, size):
        for start in list(self.end):
            if max(start, address) < min(self.end[start], address + size):
                del self.end[start]
                self.dropped += 1


def translation_cache(events, capacity):
    cache = Cache(capacity)
    for kind, address, size in events:
        (cache.run if kind == "run" else cache.write)(address, size)
    counts = {name: getattr(cache, name) for name in ("hits", "translations", "flushes", "dropped")}
    return counts | {"cached": sorted(cache.end)}
