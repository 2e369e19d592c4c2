# expected: 4/4
# method: a bad chain raises, and the caller catches
class Bad(Exception):
    pass


def walk(descriptors, head, memory):
    left = dict(enumerate(descriptors))
    number = head
    while True:
        if number not in left:  # too large, or visited
            raise Bad
        address, length, flags, following = left.pop(number)
        if address + length > memory:
            raise Bad
        yield bool(flags & 2), (address, length)
        if flags % 2 == 0:
            return
        number = following


def take_chains(descriptors, ring, index, seen, memory):
    if (index - seen) % (1 << 16) > len(ring):
        return None
    chains = []
    while seen != index:
        head = ring[seen % len(ring)]
        seen = (seen + 1) % (1 << 16)
        try:
            parts = list(walk(descriptors, head, memory))
            kinds = [kind for kind, _ in parts]
            if kinds != sorted(kinds):
                raise Bad
            read = [buffer for kind, buffer in parts if not kind]
            write = [buffer for kind, buffer in parts if kind]
            chains.append((head, read, write))
        except Bad:
            chains.append((head, None, None))
    return chains
