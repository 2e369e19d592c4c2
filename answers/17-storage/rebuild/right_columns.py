# expected: 4/4
# method: byte by byte, through the columns of a stripe
from functools import reduce
from operator import xor


def repaired(stripe):
    others = [block for block in stripe if block is not None]
    if len(others) == len(stripe):
        return stripe
    if len(others) + 1 < len(stripe):
        return None
    block = bytes(reduce(xor, column) for column in zip(*others))
    return [block if one is None else one for one in stripe]


def rebuild(stripes):
    done = [repaired(stripe) for stripe in stripes]
    if None in done:
        return [number for number, stripe in enumerate(done) if stripe is None]
    data = bytearray()
    for number, stripe in enumerate(done):
        n = len(stripe)
        for member in range(n):
            if (member + number) % n != n - 1:
                data += stripe[member]
    return bytes(data)
