# expected: 4/4
# method: a small class that knows its room; cross-multiplied bounds
import math


class Server:
    def __init__(self, capacity):
        self.room = list(capacity)
        self.names = []

    def takes(self, machine):
        return all(need <= room for need, room in zip(machine, self.room))

    def put(self, name, machine):
        self.names.append(name)
        self.room = [room - need for need, room in zip(machine, self.room)]


def pack(machines, capacity):
    for name, machine in machines.items():
        if not Server(capacity).takes(machine):
            raise ValueError(f"{name} is too large")
    keyed = [(-max(n / c for n, c in zip(m, capacity)), name) for name, m in machines.items()]
    opened = []
    for _, name in sorted(keyed):
        chosen = next((server for server in opened if server.takes(machines[name])), None)
        if chosen is None:
            chosen = Server(capacity)
            opened.append(chosen)
        chosen.put(name, machines[name])
    numbers = [0]
    for which in (0, 1):
        needs = [machine[which] for machine in machines.values()]
        numbers.append(math.ceil(sum(needs) / capacity[which]))
        numbers.append(sum(need > capacity[which] / 2 for need in needs))
    return [server.names for server in opened], max(numbers)
