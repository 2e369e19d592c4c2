# expected: 0/4
# hint: Before the 4 it was at 2, but that was not for good.
# misconception: steady from the first block on that is like the last one
def steady_from(series, block, tolerance, least):
    """Return the place of the first repetition of the steady state, or None."""
    begin = len(series) - block
    if begin < 0:
        return None
    last = sorted(series[begin:])[block // 2]
    alike, first = 1, begin
    while begin >= block:
        level = sorted(series[begin - block : begin])[block // 2]
        if abs(level - last) > tolerance * last:
            begin -= block
            continue
        begin -= block
        first = begin
        alike = (len(series) - begin) // block
    return first if alike >= least else None
