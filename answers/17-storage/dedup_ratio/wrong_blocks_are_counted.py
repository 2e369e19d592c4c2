# expected: 0/4
# hint: but they are logical bytes
# misconception: all blocks are equally long
def dedup_ratio(blocks):
    logical = len(blocks)
    stored = sum(1 for block in set(blocks) if any(block))
    if not stored:
        return float("inf") if blocks else 1.0
    return logical / stored
