# expected: 0/4
# hint: all ports but the frame's own
# misconception: a flooded frame goes out everywhere
EVERYBODY = "ff:ff:ff:ff:ff:ff"


class Switch:
    def __init__(self, ports, max_age):
        self.ports, self.max_age = list(ports), max_age
        self.port_of, self.time_of = {}, {}

    def receive(self, source, destination, port, now):
        self.port_of[source] = port
        self.time_of[source] = now
        flood = set(self.ports)
        if destination == EVERYBODY or destination not in self.port_of:
            return flood
        if now - self.time_of[destination] > self.max_age:
            return flood
        if self.port_of[destination] == port:
            return set()
        return {self.port_of[destination]}
