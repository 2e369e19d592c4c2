# expected: 0/3
# hint: The overhead is missing. A monitor needs memory, too.
# misconception: a guest costs what its owner ordered
def density(host, guest, overhead, shared):
    if host < guest:
        return 0
    return max(0, (host - shared) // max(1, guest - shared)) if shared else host // guest
