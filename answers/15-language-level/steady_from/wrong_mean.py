# expected: 0/4
# hint: The median of 4, 8, 4 is 4; its mean is not.
# misconception: the level of a block is its mean
def steady_from(series, block, tolerance, least):
    """Return the place of the first repetition of the steady state, or None."""
    begin = len(series) - block
    if begin < 0:
        return None
    last = sum(series[begin:]) / block
    alike = 1
    while begin >= block:
        level = sum(series[begin - block : begin]) / block
        if abs(level - last) > tolerance * last:
            break
        begin -= block
        alike += 1
    return begin if alike >= least else None
