# expected: 4/4
# method: one walk for both stages; a fault is an exception
class Fault(Exception):
    pass


def climb(load, space, address, write):
    table, levels = space
    rights = []
    for level in range(levels, 0, -1):
        index = address // (4096 * 512 ** (level - 1)) % 512
        entry = load(table + 8 * index)
        if entry % 2 == 0:
            raise Fault(address)
        rights.append(entry // 2 % 2 == 1)
        table = entry % 2**52 // 4096 * 4096
    if write and not all(rights):
        raise Fault(address)
    return table + address % 4096


def two_stage(memory, guest, host, address, write):
    reads = []
    stage = ["host"]

    def load(place):
        reads.append(place)
        return memory.get(place, 0)

    def through(place):
        stage[0] = "host"
        where = climb(load, host, place, False)
        stage[0] = "guest"
        return load(where)

    try:
        physical = climb(through, guest, address, write)
        stage[0] = "host"
        return ("page", climb(load, host, physical, write), len(reads))
    except Fault as fault:
        return (stage[0], fault.args[0], len(reads))
