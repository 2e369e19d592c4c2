# expected: 4/4
# method: blocks as whole numbers
def rebuild(stripes):
    lost = [i for i, stripe in enumerate(stripes) if stripe.count(None) > 1]
    if lost:
        return lost
    result = []
    for i, stripe in enumerate(stripes):
        stripe = list(stripe)
        if None in stripe:
            there = [block for block in stripe if block is not None]
            number = 0
            for block in there:
                number ^= int.from_bytes(block, "little")
            stripe[stripe.index(None)] = number.to_bytes(len(there[0]), "little")
        del stripe[-1 - i % len(stripe)]
        result += stripe
    return b"".join(result)
