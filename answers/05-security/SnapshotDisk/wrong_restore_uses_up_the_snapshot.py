# expected: 0/4
# hint: first
# misconception: a snapshot can be restored once
class SnapshotDisk:
    def __init__(self, size):
        self.size = size
        self.now = {}
        self.snapshots = {}
        self.writes = 0

    def write(self, number, data):
        if number < 0 or number >= self.size:
            raise IndexError(f"no block {number} on a disk of {self.size}")
        self.writes += 1
        self.now[number] = (self.writes, data)

    def read(self, number, snapshot=None):
        if number < 0 or number >= self.size:
            raise IndexError(f"no block {number} on a disk of {self.size}")
        table = self.now if snapshot is None else self.snapshots[snapshot]
        return table[number][1] if number in table else b"\0"

    def snapshot(self, name):
        if name in self.snapshots:
            raise ValueError(f"there is a snapshot {name!r} already")
        self.snapshots[name] = dict(self.now)

    def restore(self, name):
        self.now = self.snapshots.pop(name)

    def delete(self, name):
        del self.snapshots[name]

    def stored(self):
        tables = [self.now, *self.snapshots.values()]
        return len({version for table in tables for version, data in table.values()})

    def lost_with(self, number):
        if number < 0 or number >= self.size:
            raise IndexError(f"no block {number} on a disk of {self.size}")
        shown = [self.now[number]] if number in self.now else []
        return {name for name, table in self.snapshots.items() if table.get(number) in shown}
