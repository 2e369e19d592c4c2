# expected: 0/4
# hint: Each is near its neighbour.
# misconception: steady is what differs little from the repetition before
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
        last = level
        alike += 1
    return begin if alike >= least else None
