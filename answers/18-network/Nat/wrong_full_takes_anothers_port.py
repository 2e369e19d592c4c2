# expected: 0/4
# hint: Raise RuntimeError
# misconception: without a free port the oldest entry must go
class Nat:
    def __init__(self, ports, timeout):
        self.ports, self.timeout = list(ports), timeout
        self.owner = {}  # (protocol, public port) -> inside
        self.used = {}  # (protocol, public port) -> when

    def living(self, key, now):
        return key in self.owner and now - self.used[key] <= self.timeout

    def out(self, protocol, address, port, now):
        inside = address, port
        keys = [(protocol, public) for public in sorted(self.ports)]
        mine = [key for key in keys if self.living(key, now) and self.owner[key] == inside]
        free = [key for key in keys if not self.living(key, now)]
        if not mine and not free:
            free = sorted(keys, key=self.used.get)
        key = (mine + free)[0]
        self.owner[key] = inside
        self.used[key] = now
        return key[1]

    def back(self, protocol, port, now):
        key = protocol, port
        if not self.living(key, now):
            return None
        return self.owner[key]
