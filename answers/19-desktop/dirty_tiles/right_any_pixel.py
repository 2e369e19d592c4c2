# expected: 4/4
# method: ask for each tile whether any of its pixels differs
def dirty_tiles(before, after, size):
    rows = len(after)
    columns = len(after[0]) if rows else 0

    def cut(start, end):
        return range(start, min(start + size, end))

    return [
        (x, y, len(cut(x, columns)), len(cut(y, rows)))
        for y in range(0, rows, size)
        for x in range(0, columns, size)
        if any(before[j][i] != after[j][i] for j in cut(y, rows) for i in cut(x, columns))
    ]
