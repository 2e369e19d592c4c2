# expected: 4/4
# method: one table, in which None stands for discarded
class Pool:
    def __init__(self, free):
        self.free = free


class ThinDisk:
    def __init__(self, size, pool, backing=None):
        self.size, self.pool, self.backing, self.table = size, pool, backing, {}

    def check(self, number):
        if number < 0 or number >= self.size:
            raise IndexError(number)

    def read(self, number):
        self.check(number)
        if number in self.table:
            return self.table[number] or b"\0\0\0\0"
        return b"\0\0\0\0" if self.backing is None else self.backing.read(number)

    def write(self, number, data):
        self.check(number)
        if self.table.get(number) is None:
            if self.pool.free < 1:
                raise OSError("full")
            self.pool.free = self.pool.free - 1
        self.table[number] = data

    def discard(self, number):
        self.check(number)
        if self.table.get(number) is not None:
            self.pool.free = self.pool.free + 1
        self.table[number] = None

    def allocated(self):
        return sum(data is not None for data in self.table.values())
