# expected: 1/4
# hint: A difference of exactly the tolerance is still alike.
# misconception: a difference of the tolerance is too much
def steady_from(series, block, tolerance, least):
    """Return the place of the first repetition of the steady state, or None."""
    begin = len(series) - block
    if begin < 0:
        return None
    last = sorted(series[begin:])[block // 2]
    alike = 1
    while begin >= block:
        level = sorted(series[begin - block : begin])[block // 2]
        if abs(level - last) >= tolerance * last:
            break
        begin -= block
        alike += 1
    return begin if alike >= least else None
