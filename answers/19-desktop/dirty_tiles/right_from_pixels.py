# expected: 4/4
# method: find the pixels that differ, then sort their tiles
def dirty_tiles(before, after, size):
    places = set()
    for y, (old, new) in enumerate(zip(before, after)):
        for x, pair in enumerate(zip(old, new)):
            if pair[0] != pair[1]:
                places.add((y - y % size, x - x % size))
    tiles = []
    for y, x in sorted(places):
        right, lower = min(x + size, len(after[0])), min(y + size, len(after))
        tiles.append((x, y, right - x, lower - y))
    return tiles
