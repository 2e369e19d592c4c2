# expected: 0/4
# hint: it should be [2, 3]
# misconception: a stripe needs no parity if it has lost it
def rebuild(stripes):
    hopeless, data = [], b""
    for index, stripe in enumerate(stripes):
        known = [block for block in stripe if block is not None]
        parity = len(stripe) - 1 - index % len(stripe)
        if sum(b is None for m, b in enumerate(stripe) if m != parity) > 1:
            hopeless.append(index)
            continue
        missing = bytes(len(known[0]))
        for block in known:
            missing = bytes(one ^ other for one, other in zip(missing, block))
        parity = len(stripe) - 1 - index % len(stripe)
        for member, block in enumerate(stripe):
            if member != parity:
                data += missing if block is None else block
    return hopeless or data
