# expected: 0/3
# hint: The second map goes on to the host.
# misconception: one map always leads to the host, also from a nested container
def map_id(maps, inside):
    if not maps:
        return inside
    for first, outside, count in maps[0]:
        if first <= inside < first + count:
            return outside + inside - first
    return None
