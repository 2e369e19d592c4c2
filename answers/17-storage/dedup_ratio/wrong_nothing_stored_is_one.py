# expected: 0/4
# hint: Only zeros
# misconception: nothing stored means nothing saved
def dedup_ratio(blocks):
    logical = sum(len(block) for block in blocks)
    stored = sum(len(block) for block in set(blocks) if any(block))
    if not stored:
        return 1.0
    return logical / stored
