# expected: 0/4
# hint: A program that became slower is steady, too.
# misconception: only a slower block is not alike
def steady_from(series, block, tolerance, least):
    """Return the place of the first repetition of the steady state, or None."""
    begin = len(series) - block
    if begin < 0:
        return None
    last = sorted(series[begin:])[block // 2]
    alike = 1
    while begin >= block:
        level = sorted(series[begin - block : begin])[block // 2]
        if level - last > tolerance * last:
            break
        begin -= block
        alike += 1
    return begin if alike >= least else None
