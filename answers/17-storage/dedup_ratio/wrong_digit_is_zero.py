# expected: 1/4
# hint: are no zero bytes
# misconception: the digit 0 is a zero
def dedup_ratio(blocks):
    logical = sum(len(block) for block in blocks)
    stored = sum(len(block) for block in set(blocks) if block.strip(b"\0 0"))
    if not stored:
        return float("inf") if blocks else 1.0
    return logical / stored
