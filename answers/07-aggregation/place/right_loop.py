# expected: 4/4
# method: loops and early decisions
def fits(size, cores, gib):
    return cores <= size[0] and gib <= size[1]


def place(requests, hosts):
    left = {host: list(size) for host, size in hosts.items()}
    where = {}
    refused = {}
    for name, cores, gib in requests:
        for host, size in left.items():
            if fits(size, cores, gib):
                size[0] -= cores
                size[1] -= gib
                where[name] = host
                break
        else:
            pool = [sum(size[0] for size in left.values()), sum(size[1] for size in left.values())]
            if not any(fits(size, cores, gib) for size in hosts.values()):
                refused[name] = "too big"
            elif fits(pool, cores, gib):
                refused[name] = "fragmented"
            else:
                refused[name] = "full"
    return where, refused
