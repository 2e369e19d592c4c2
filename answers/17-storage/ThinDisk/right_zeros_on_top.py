# expected: 4/4
# method: counts what it has; a discarded block is a block of zeros that was not taken
class Pool:
    def __init__(self, free):
        self.free = free


class ThinDisk:
    def __init__(self, size, pool, backing=None):
        self.size = size
        self.pool = pool
        self.backing = backing
        self.seen = {}
        self.taken = set()

    def place(self, number):
        if number not in range(self.size):
            raise IndexError(f"{number} is not on this disk")
        return number

    def read(self, number):
        place = self.place(number)
        try:
            return self.seen[place]
        except KeyError:
            return self.backing.read(place) if self.backing else bytes(4)

    def write(self, number, data):
        place = self.place(number)
        needs = place not in self.taken
        if needs and not self.pool.free:
            raise OSError("no block is free")
        self.pool.free -= needs
        self.taken.add(place)
        self.seen[place] = data

    def discard(self, number):
        place = self.place(number)
        self.pool.free += place in self.taken
        self.taken.discard(place)
        self.seen[place] = bytes(4)

    def allocated(self):
        return len(self.taken)
