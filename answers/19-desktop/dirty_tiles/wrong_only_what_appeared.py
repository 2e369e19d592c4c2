# expected: 1/4
# hint: A pixel that became 0 changed, too
# misconception: only what is drawn counts, not what goes away
def dirty_tiles(before, after, size):
    height = len(after)
    found = []
    for y in range(0, height, size):
        width = len(after[y])
        for x in range(0, width, size):
            old = [row[x : x + size] for row in before[y : y + size]]
            new = [row[x : x + size] for row in after[y : y + size]]
            if any(b and a != b for o, n in zip(old, new) for a, b in zip(o, n)):
                found.append((x, y, min(size, width - x), min(size, height - y)))
    return found
