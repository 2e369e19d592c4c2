# expected: 1/4
# hint: changed the caller's list
# misconception: the list is mine
def dedup_ratio(blocks):
    blocks.sort()
    logical = sum(len(block) for block in blocks)
    stored = sum(len(block) for block in set(blocks) if any(block))
    if not stored:
        return float("inf") if blocks else 1.0
    return logical / stored
