# expected: 0/4
# hint: A zero byte is not a block of zeros
# misconception: a block with a zero in it is a block of zeros
def dedup_ratio(blocks):
    logical = sum(len(block) for block in blocks)
    stored = sum(len(block) for block in set(blocks) if all(block))
    if not stored:
        return float("inf") if blocks else 1.0
    return logical / stored
