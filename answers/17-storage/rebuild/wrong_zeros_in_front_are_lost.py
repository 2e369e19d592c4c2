# expected: 1/4
# hint: as long as the others
# misconception: a rebuilt number is as many bytes as it needs
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
                number ^= int.from_bytes(block, "big")
            stripe[stripe.index(None)] = number.to_bytes(
                max(1, -(-number.bit_length() // 8)), "big"
            )
        del stripe[-1 - i % len(stripe)]
        result += stripe
    return b"".join(result)
