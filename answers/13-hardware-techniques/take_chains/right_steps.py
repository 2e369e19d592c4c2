# expected: 4/4
# method: a walk with a limit instead of a set of places
def take_chains(descriptors, ring, index, seen, memory):
    n = len(descriptors)
    pending = (index - seen) & 0xFFFF
    if not pending <= n:
        return None
    answer = []
    for turn in range(pending):
        head = ring[(seen + turn) & 0xFFFF & (n - 1)]
        sides = ([], [])
        number, steps, bad = head, 0, False
        while True:
            steps += 1
            if number >= n or steps > n:
                bad = True
                break
            address, length, flags, following = descriptors[number]
            side = flags >> 1 & 1
            if address + length > memory or (side == 0 and sides[1]):
                bad = True
                break
            sides[side].append((address, length))
            if not flags & 1:
                break
            number = following
        answer.append((head, None, None) if bad else (head, sides[0], sides[1]))
    return answer
