# expected: 0/4
# hint: 301 seconds ago
# misconception: entries do not age
EVERYBODY = "ff:ff:ff:ff:ff:ff"


class Switch:
    def __init__(self, ports, max_age):
        self.ports, self.max_age = list(ports), max_age
        self.port_of, self.time_of = {}, {}

    def receive(self, source, destination, port, now):
        self.port_of[source] = port
        self.time_of[source] = now
        flood = {other for other in self.ports if other != port}
        if destination == EVERYBODY or destination not in self.port_of:
            return flood
        if self.port_of[destination] == port:
            return set()
        return {self.port_of[destination]}
