# expected: 1/4
# hint: Blocks are cut from the end, so that the last repetition counts.
# misconception: what is left over at the beginning is a block, too
def steady_from(series, block, tolerance, least):
    """Return the place of the first repetition of the steady state, or None."""
    begin = len(series) - block
    if begin < 0:
        return None
    last = sorted(series[begin:])[block // 2]
    alike = 1
    while begin > 0:
        rest = sorted(series[max(0, begin - block) : begin])
        level = rest[len(rest) // 2]
        if abs(level - last) > tolerance * last:
            break
        begin = max(0, begin - block)
        alike += 1
    return begin if alike >= least else None
