# expected: 3/3
# method: range objects, which know their members without listing them
def one_map(lines, user):
    for inside, outside, count in lines:
        held = range(inside, inside + count)
        if user in held:
            return range(outside, outside + count)[held.index(user)]
    return None


def map_id(maps, inside):
    for lines in maps:
        inside = one_map(lines, inside)
        if inside is None:
            break
    return inside
