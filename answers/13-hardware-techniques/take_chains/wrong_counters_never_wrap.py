# expected: 0/4
# hint: After 65,535 comes 0
# misconception: the driver's counter only grows
def take_chains(descriptors, ring, index, seen, memory):
    size = len(ring)
    new = index - seen
    if new > size:
        return None

    def follow(head):
        """Return the buffers to read and to write; (None, None) for a bad chain."""
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

    heads = [ring[(seen + number) % size] for number in range(new)]
    return [(head, *follow(head)) for head in heads]
