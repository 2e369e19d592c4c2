# expected: 0/4
# hint: Blocks are cut from the end: the 7 is left out, and the places count in the series.
# misconception: the result is the number of the block
def steady_from(series, block, tolerance, least):
    """Return the place of the first repetition of the steady state, or None."""
    begin = len(series) - block
    if begin < 0:
        return None
    last = sorted(series[begin:])[block // 2]
    alike = 1
    while begin >= block:
        level = sorted(series[begin - block : begin])[block // 2]
        if abs(level - last) > tolerance * last:
            break
        begin -= block
        alike += 1
    return begin // block if alike >= least else None
