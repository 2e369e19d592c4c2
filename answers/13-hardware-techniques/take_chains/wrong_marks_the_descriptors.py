# expected: 0/4
# hint: Your function changed its lists
# misconception: what was visited is marked in the queue itself
def take_chains(descriptors, ring, index, seen, memory):
    size = len(ring)
    new = (index - seen) % 65536
    if new > size:
        return None

    def follow(head):
        readable, writable, number, kept = [], [], head, {}
        while True:
            if number >= size or descriptors[number] is None:
                break
            kept[number] = address, length, flags, following = descriptors[number]
            descriptors[number] = None
            if address + length > memory or writable and not flags & 2:
                break
            (writable if flags & 2 else readable).append((address, length))
            if not flags & 1:
                for place in kept:
                    descriptors[place] = kept[place]
                return readable, writable
            number = following
        return None, None

    heads = [ring[(seen + number) % size] for number in range(new)]
    return [(head, *follow(head)) for head in heads]
