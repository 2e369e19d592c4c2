# expected: 4/4
# method: what is too old is thrown out first; the list of what is known is a journal
class Switch:
    def __init__(self, ports, max_age):
        self.ports = frozenset(ports)
        self.max_age = max_age
        self.journal = []

    def receive(self, source, destination, port, now):
        self.journal = [
            (who, where, when)
            for who, where, when in self.journal
            if who != source and when + self.max_age >= now
        ]
        self.journal.append((source, port, now))
        places = {where for who, where, _ in self.journal if who == destination}
        return set((places or self.ports) - {port})
