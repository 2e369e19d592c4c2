# expected: 1/4
# hint: IndexError
# misconception: every screen has a row
def dirty_tiles(before, after, size):
    height = len(after)
    found = []
    width = len(after[0])
    for y in range(0, height, size):
        for x in range(0, width, size):
            old = [row[x : x + size] for row in before[y : y + size]]
            new = [row[x : x + size] for row in after[y : y + size]]
            if old != new:
                found.append((x, y, min(size, width - x), min(size, height - y)))
    return found
