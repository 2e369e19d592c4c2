# expected: 0/3
# hint: Do you look at every line?
# misconception: a map is one line, as in a simple rootless container
def one_map(lines, user):
    for inside, outside, count in lines:
        if inside <= user < inside + count:
            return outside + user - inside
        return None


def map_id(maps, inside):
    user = inside
    for lines in maps:
        user = one_map(lines, user)
        if user is None:
            return None
    return user
