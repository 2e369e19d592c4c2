# expected: 0/3
# hint: The list is innermost first.
# misconception: the host's map is applied first
def one_map(lines, user):
    for inside, outside, count in lines:
        if inside <= user < inside + count:
            return outside + user - inside
    return None


def map_id(maps, inside):
    user = inside
    for lines in reversed(maps):
        user = one_map(lines, user)
        if user is None:
            return None
    return user
