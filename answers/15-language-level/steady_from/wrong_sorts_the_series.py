# expected: 0/4
# hint: Your function changed the caller's series. sorted() makes a new list.
# misconception: a list may be sorted in place to find its median
def steady_from(series, block, tolerance, least):
    def level(begin):
        values = sorted(series[begin : begin + block])
        series[begin : begin + block] = values
        return values[block // 2]

    begin = len(series) - block
    if begin < 0:
        return None
    last = level(begin)
    alike = 1
    while begin >= block and abs(level(begin - block) - last) <= tolerance * last:
        begin -= block
        alike += 1
    return begin if alike >= least else None
