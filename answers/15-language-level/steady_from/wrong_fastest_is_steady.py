# expected: 0/4
# hint: A program that became slower is steady, too.
# misconception: the fastest level is the steady one
def steady_from(series, block, tolerance, least):
    """Return the place of the first repetition of the steady state, or None."""
    begin = len(series) - block
    if begin < 0:
        return None
    last = min(sorted(series[at : at + block])[block // 2] for at in range(begin, -1, -block))
    alike = 1
    while begin >= block:
        level = sorted(series[begin - block : begin])[block // 2]
        if abs(level - last) > tolerance * last:
            break
        begin -= block
        alike += 1
    return begin if alike >= least else None
