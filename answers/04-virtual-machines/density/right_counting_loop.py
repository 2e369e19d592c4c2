# expected: 3/3
# method: the first guest apart, then a division for the rest
def density(host, guest, overhead, shared):
    first = guest + overhead
    if host < first:
        return 0
    return 1 + (host - first) // (first - shared)
