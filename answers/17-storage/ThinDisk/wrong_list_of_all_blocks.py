# expected: 3/4
# hint: next to no memory
# misconception: a disk needs a place for each of its blocks
class Pool:
    def __init__(self, free):
        self.free = free


class ThinDisk:
    def __init__(self, size, pool, backing=None):
        self.pool = pool
        self.backing = backing
        self.blocks = [None] * size
        self.taken = [False] * size

    def check(self, number):
        if not 0 <= number < len(self.blocks):
            raise IndexError(number)

    def read(self, number):
        self.check(number)
        if self.blocks[number] is not None:
            return self.blocks[number]
        return self.backing.read(number) if self.backing else bytes(4)

    def write(self, number, data):
        self.check(number)
        if not self.taken[number]:
            if self.pool.free == 0:
                raise OSError("the pool is full")
            self.pool.free -= 1
            self.taken[number] = True
        self.blocks[number] = data

    def discard(self, number):
        self.check(number)
        if self.taken[number]:
            self.pool.free += 1
            self.taken[number] = False
        self.blocks[number] = bytes(4)

    def allocated(self):
        return sum(self.taken)
