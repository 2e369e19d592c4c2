# expected: 0/4
# hint: the list is in reading order
# misconception: the order of tiles is by columns
def dirty_tiles(before, after, size):
    height = len(after)
    found = []
    width = len(after[0]) if after else 0
    for x in range(0, width, size):
        for y in range(0, height, size):
            old = [row[x : x + size] for row in before[y : y + size]]
            new = [row[x : x + size] for row in after[y : y + size]]
            if old != new:
                found.append((x, y, min(size, width - x), min(size, height - y)))
    return found
