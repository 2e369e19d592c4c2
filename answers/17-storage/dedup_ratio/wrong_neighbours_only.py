# expected: 0/4
# hint: Three equal blocks are stored once
# misconception: equal blocks lie side by side
def dedup_ratio(blocks):
    logical = sum(len(block) for block in blocks)
    stored = sum(
        len(block)
        for block in [b for i, b in enumerate(blocks) if i == 0 or b != blocks[i - 1]]
        if any(block)
    )
    if not stored:
        return float("inf") if blocks else 1.0
    return logical / stored
