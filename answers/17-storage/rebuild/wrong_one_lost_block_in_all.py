# expected: 1/4
# hint: of any member
# misconception: only one member may have lost blocks
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
        for member, block in enumerate(stripe):
            if member != parity:
                data += missing if block is None else block
    bad = {m for s in stripes for m, b in enumerate(s) if b is None}
    return list(range(len(stripes))) if len(bad) > 1 and not hopeless else hopeless or data
