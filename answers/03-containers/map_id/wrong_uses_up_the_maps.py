# expected: 1/3
# hint: Your function changed the caller's maps.
# misconception: an argument is mine to use up
def one_map(lines, user):
    for inside, outside, count in lines:
        if inside <= user < inside + count:
            return outside + user - inside
    return None


def map_id(maps, inside):
    user = inside
    while maps and user is not None:
        user = one_map(maps.pop(0), user)
    return user
