# expected: 1/4
# hint: The place (0, 0) is a source like any other
# misconception: a source of (0, 0) means none
def update_bytes(tiles, encoding):
    if not tiles:
        return 0
    total = 4
    for rows, source in tiles:
        raw = 4 * len(rows) * len(rows[0])
        stretches = []
        for row in rows:
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
            content = min(raw, rre) if source is None or not any(source) else 4
        total += 12 + content
    return total
