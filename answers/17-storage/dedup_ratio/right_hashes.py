# expected: 4/4
# method: hashes, as a store would do
import hashlib
import math


def dedup_ratio(blocks):
    names, logical, stored = set(), 0, 0
    for block in blocks:
        logical += len(block)
        name = hashlib.sha256(block).hexdigest()
        if name not in names and block != bytes(len(block)):
            names.add(name)
            stored += len(block)
    if stored == 0:
        return math.inf if logical else 1.0
    return logical / stored
