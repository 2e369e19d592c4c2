# expected: 4/4
# method: one store of versions, each with a count of the states that show it
class SnapshotDisk:
    def __init__(self, size):
        self.size = size
        self.store = {}
        self.shown_by = {}
        self.now = {}
        self.names = {}
        self.next = 0

    def _inside(self, number):
        if number not in range(self.size):
            raise IndexError("no such block")

    def _take(self, version):
        self.shown_by[version] = self.shown_by.get(version, 0) + 1

    def _drop(self, version):
        self.shown_by[version] -= 1
        if self.shown_by[version] == 0:
            del self.shown_by[version], self.store[version]

    def write(self, number, data):
        self._inside(number)
        self.next += 1
        self.store[self.next] = data
        self._take(self.next)
        if number in self.now:
            self._drop(self.now[number])
        self.now[number] = self.next

    def read(self, number, snapshot=None):
        self._inside(number)
        table = self.now if snapshot is None else self.names[snapshot]
        return self.store[table[number]] if number in table else b"\0"

    def snapshot(self, name):
        if name in self.names:
            raise ValueError("name in use")
        self.names[name] = self.now.copy()
        for version in self.now.values():
            self._take(version)

    def restore(self, name):
        table = self.names[name].copy()
        for version in table.values():
            self._take(version)
        for version in self.now.values():
            self._drop(version)
        self.now = table

    def delete(self, name):
        for version in self.names.pop(name).values():
            self._drop(version)

    def stored(self):
        return len(self.store)

    def lost_with(self, number):
        self._inside(number)
        names = set()
        if number in self.now:
            for name, table in self.names.items():
                if number in table and table[number] == self.now[number]:
                    names.add(name)
        return names
