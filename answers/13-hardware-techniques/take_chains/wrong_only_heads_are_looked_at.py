# expected: 1/4
# hint: any number in a chain, not only the head, may be n or more
# misconception: behind a good head the chain is good
def take_chains(descriptors, ring, index, seen, memory):
    size = len(ring)
    new = (index - seen) % 65536
    if new > size:
        return None

    def follow(head):
        readable, writable, visited = [], [], []
        if head >= size:
            return None, None
        number, goes_on = head, True
        while goes_on:
            if number in visited:
                return None, None
            visited.append(number)
            address, length, flags, following = descriptors[number]
            if address + length > memory or writable and not flags & 2:
                return None, None
            (writable if flags & 2 else readable).append((address, length))
            number, goes_on = following, flags & 1
        return readable, writable

    taken = []
    for number in range(new):
        head = ring[(seen + number) % size]
        taken.append((head, *follow(head)))
    return taken
