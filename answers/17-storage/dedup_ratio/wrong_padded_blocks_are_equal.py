# expected: 1/4
# hint: also with zeros at the end
# misconception: zeros at the end do not count
def dedup_ratio(blocks):
    logical = sum(len(block) for block in blocks)
    stored = sum(len(block) for block in {b.rstrip(b"\0"): b for b in blocks if any(b)}.values())
    if not stored:
        return float("inf") if blocks else 1.0
    return logical / stored
