# expected: 0/3
# hint: How far is 7 from the line's first user?
# misconception: the outside number is an offset to add to the user
def one_map(lines, user):
    for inside, outside, count in lines:
        if inside <= user < inside + count:
            return outside + user
    return None


def map_id(maps, inside):
    user = inside
    for lines in maps:
        user = one_map(lines, user)
        if user is None:
            return None
    return user
