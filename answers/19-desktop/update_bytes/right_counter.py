# expected: 4/4
# method: count the stretches of each colour
def update_bytes(tiles, encoding):
    from collections import Counter

    size = 0
    for rows, source in tiles:
        counts = Counter()
        for row in rows:
            counts[row[0]] += 1
            counts.update(right for left, right in zip(row, row[1:]) if left != right)
        choices = {
            "raw": 4 * sum(map(len, rows)),
            "rre": 8 + 12 * (sum(counts.values()) - counts.most_common(1)[0][1]),
        }
        if encoding in choices:
            size += 12 + choices[encoding]
        elif source is None:
            size += 12 + min(choices.values())
        else:
            size += 16
    return size + 4 * bool(tiles)
