# expected: 1/4
# hint: changed the caller's stripes
# misconception: the stripes are mine
def rebuild(stripes):
    hopeless, data = [], b""
    for index, stripe in enumerate(stripes):
        known = [block for block in stripe if block is not None]
        if len(known) < len(stripe) - 1:
            hopeless.append(index)
            continue
        missing = bytes(len(known[0]))
        for block in known:
            missing = bytes(one ^ other for one, other in zip(missing, block))
        parity = len(stripe) - 1 - index % len(stripe)
        stripe[:] = [missing if block is None else block for block in stripe]
        for member, block in enumerate(stripe):
            if member != parity:
                data += missing if block is None else block
    return hopeless or data
