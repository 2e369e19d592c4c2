# expected: 0/4
# hint: each dirty tile is a tuple
# misconception: a list is as good as a tuple
def dirty_tiles(before, after, size):
    height = len(after)
    found = []
    for y in range(0, height, size):
        width = len(after[y])
        for x in range(0, width, size):
            old = [row[x : x + size] for row in before[y : y + size]]
            new = [row[x : x + size] for row in after[y : y + size]]
            if old != new:
                found.append([x, y, min(size, width - x), min(size, height - y)])
    return found
