# expected: 4/4
# method: each state is a persistent mapping that is replaced, never changed
class SnapshotDisk:
    def __init__(self, size):
        self.size, self.state, self.kept, self.count = size, {}, {}, 0

    def write(self, number, data):
        if not 0 <= number < self.size:
            raise IndexError(number)
        self.count += 1
        self.state = {**self.state, number: (self.count, data)}

    def read(self, number, snapshot=None):
        if not 0 <= number < self.size:
            raise IndexError(number)
        state = self.state if snapshot is None else self.kept[snapshot]
        return state.get(number, (0, b"\0"))[1]

    def snapshot(self, name):
        if name in self.kept:
            raise ValueError(name)
        self.kept[name] = self.state

    def restore(self, name):
        self.state = self.kept[name]

    def delete(self, name):
        self.kept.pop(name)

    def stored(self):
        needed = set()
        for state in [self.state, *self.kept.values()]:
            needed.update(version for version, _ in state.values())
        return len(needed)

    def lost_with(self, number):
        self.read(number)  # refuses a number that is none
        if number not in self.state:
            return set()
        at = self.state[number]
        return {name for name, state in self.kept.items() if state.get(number) is at}
