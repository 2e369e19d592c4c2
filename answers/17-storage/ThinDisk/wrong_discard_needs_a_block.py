# expected: 1/4
# hint: Discarding what is not allocated is no error
# misconception: only what is allocated can be discarded
class Pool:
    def __init__(self, free):
        self.free = free


class ThinDisk:
    def __init__(self, size, pool, backing=None):
        self.size = size
        self.pool = pool
        self.backing = backing
        self.blocks = {}
        self.discarded = set()

    def read(self, number):
        if not 0 <= number < self.size:
            raise IndexError(f"no block {number} on a disk of {self.size}")
        if number in self.blocks:
            return self.blocks[number]
        if number in self.discarded or self.backing is None:
            return bytes(4)
        return self.backing.read(number)

    def write(self, number, data):
        if not 0 <= number < self.size:
            raise IndexError(f"no block {number} on a disk of {self.size}")
        if number not in self.blocks:
            if self.pool.free == 0:
                raise OSError("the pool is full")
            self.pool.free -= 1
        self.blocks[number] = data

    def discard(self, number):
        if not 0 <= number < self.size:
            raise IndexError(f"no block {number} on a disk of {self.size}")
        self.discarded.add(number)
        del self.blocks[number]
        self.pool.free += 1

    def allocated(self):
        return len(self.blocks)
