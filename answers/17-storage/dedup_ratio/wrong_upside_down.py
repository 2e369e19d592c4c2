# expected: 0/4
# hint: it should be 2.0
# misconception: the ratio is stored over logical
def dedup_ratio(blocks):
    logical = sum(len(block) for block in blocks)
    stored = sum(len(block) for block in set(blocks) if any(block))
    if not stored:
        return float("inf") if blocks else 1.0
    return stored / logical
