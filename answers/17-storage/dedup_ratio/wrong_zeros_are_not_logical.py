# expected: 0/4
# hint: but they are logical bytes
# misconception: zeros count nowhere
def dedup_ratio(blocks):
    logical = sum(len(block) for block in blocks if any(block))
    stored = sum(len(block) for block in set(blocks) if any(block))
    if not stored:
        return float("inf") if blocks else 1.0
    return logical / stored
