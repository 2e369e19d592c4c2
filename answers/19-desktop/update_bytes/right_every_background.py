# expected: 4/4
# method: try every colour as the background
from itertools import groupby


def rre_content(rows):
    runs = [colour for row in rows for colour, stretch in groupby(row)]
    return min(8 + 12 * sum(run != background for run in runs) for background in set(runs))


def update_bytes(tiles, encoding):
    def content(rows, source):
        raw = sum(4 * len(row) for row in rows)
        if encoding == "copyrect" and source is not None:
            return 4
        return {"raw": raw, "rre": rre_content(rows)}.get(encoding, min(raw, rre_content(rows)))

    body = sum(12 + content(rows, source) for rows, source in tiles)
    return body + 4 if body else 0
