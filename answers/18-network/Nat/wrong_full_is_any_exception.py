# expected: 0/4
# hint: I saw ValueError although both udp ports are taken. Raise RuntimeError
# misconception: the smallest of no ports raises something, and that will do
class Nat:
    def __init__(self, ports, timeout):
        self.free = {"tcp": set(ports), "udp": set(ports)}
        self.rows = []
        self.timeout = timeout

    def clean(self, now):
        for row in [row for row in self.rows if row["until"] < now]:
            self.rows.remove(row)
            self.free[row["protocol"]].add(row["public"])

    def find(self, **wanted):
        for row in self.rows:
            if wanted.items() <= row.items():
                return row
        return None

    def out(self, protocol, address, port, now):
        self.clean(now)
        row = self.find(protocol=protocol, inside=(address, port))
        if row is None:
            public = min(self.free[protocol])
            self.free[protocol].remove(public)
            row = {"protocol": protocol, "inside": (address, port), "public": public}
            self.rows.append(row)
        row["until"] = now + self.timeout
        return row["public"]

    def back(self, protocol, port, now):
        self.clean(now)
        row = self.find(protocol=protocol, public=port)
        return row and row["inside"]
