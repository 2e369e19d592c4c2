# expected: 1/4
# hint: The tolerance is a share of the last block's level, not of the other's.
# misconception: the tolerance is in milliseconds
def steady_from(series, block, tolerance, least):
    """Return the place of the first repetition of the steady state, or None."""
    begin = len(series) - block
    if begin < 0:
        return None
    last = sorted(series[begin:])[block // 2]
    alike = 1
    while begin >= block:
        level = sorted(series[begin - block : begin])[block // 2]
        if abs(level - last) > tolerance:
            break
        begin -= block
        alike += 1
    return begin if alike >= least else None
