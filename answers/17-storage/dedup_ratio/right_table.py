# expected: 4/4
# method: a table from content to length
def dedup_ratio(blocks):
    stored = {}
    for block in blocks:
        if block.strip(b"\0"):
            stored[block] = len(block)
    if not blocks:
        return 1.0
    if not stored:
        return float("inf")
    return sum(map(len, blocks)) / sum(stored.values())
