# expected: 0/4
# hint: 4, 12, then 8 and one stretch
# misconception: every pixel is a subrectangle
def update_bytes(tiles, encoding):
    if not tiles:
        return 0
    total = 4
    for rows, source in tiles:
        raw = 4 * len(rows) * len(rows[0])
        stretches = []
        for row in rows:
            for place, pixel in enumerate(row):
                if True:
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
