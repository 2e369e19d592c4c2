# expected: 0/4
# hint: Zeros are stored as nothing
# misconception: a block of zeros is stored once
def dedup_ratio(blocks):
    logical = sum(len(block) for block in blocks)
    stored = sum(len(block) for block in set(blocks))
    if not stored:
        return float("inf") if blocks else 1.0
    return logical / stored
