# expected: 0/4
# hint: shifted is not equal
# misconception: blocks with the same bytes in them are equal
def dedup_ratio(blocks):
    logical = sum(len(block) for block in blocks)
    stored = sum(
        len(block) for block in set(bytes(sorted(block)) for block in blocks) if any(block)
    )
    if not stored:
        return float("inf") if blocks else 1.0
    return logical / stored
