# expected: 0/4
# hint: Tiles at the edges are cut
# misconception: only whole tiles count
def dirty_tiles(before, after, size):
    height = len(after)
    found = []
    for y in range(0, height - size + 1, size):
        width = len(after[y])
        for x in range(0, width - size + 1, size):
            old = [row[x : x + size] for row in before[y : y + size]]
            new = [row[x : x + size] for row in after[y : y + size]]
            if old != new:
                found.append((x, y, min(size, width - x), min(size, height - y)))
    return found
