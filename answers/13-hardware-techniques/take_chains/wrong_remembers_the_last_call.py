# expected: 0/4
# hint: nothing may remain from the call before
# misconception: a default list is a new one in each call
def take_chains(descriptors, ring, index, seen, memory, taken=[]):
    size = len(ring)
    new = (index - seen) % 65536
    if new > size:
        return None

    def follow(head):
        readable, writable, visited = [], [], []
        number, goes_on = head, True
        while goes_on:
            if number >= size or number in visited:
                return None, None
            visited.append(number)
            address, length, flags, following = descriptors[number]
            if address + length > memory or writable and not flags & 2:
                return None, None
            (writable if flags & 2 else readable).append((address, length))
            number, goes_on = following, flags & 1
        return readable, writable

    for number in range(new):
        head = ring[(seen + number) % size]
        taken.append((head, *follow(head)))
    return taken
