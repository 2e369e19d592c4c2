# expected: 0/4
# hint: Stretches of different rows are never joined
# misconception: a stretch goes on in the next row
def update_bytes(tiles, encoding):
    if not tiles:
        return 0
    total = 4
    for rows, source in tiles:
        raw = 4 * len(rows) * len(rows[0])
        stretches = []
        for row in [sum(rows, [])]:
            for place, pixel in enumerate(row):
                if place == 0 or row[place - 1] != pixel:
                    stretches.append(pixel)
        most = max(stretches.count(colour) for colour in stretches)
        rre = 8 + 12 * (len(stretches) - most)
        if encoding == "raw":
            content = raw
        elif encoding == "rre":
            content = rre
        else:
            content = min(raw, rre) if source is None else 4
        total += 12 + content
    return total
