# expected: 0/3
# hint: Each further guest costs guest + overhead - shared. Count the first one, too.
# misconception: what is left after the first guest is the answer
def density(host, guest, overhead, shared):
    first = guest + overhead
    if host < first:
        return 0
    rest = (host - first) // (first - shared)
    return rest if shared else rest + 1
