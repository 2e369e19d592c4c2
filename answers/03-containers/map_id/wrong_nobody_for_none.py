# expected: 0/3
# hint: The prompt asks for None.
# misconception: 65534, which tools show, is a real place on the host
def one_map(lines, user):
    for inside, outside, count in lines:
        if inside <= user < inside + count:
            return outside + user - inside
    return 65534


def map_id(maps, inside):
    user = inside
    for lines in maps:
        user = one_map(lines, user)
        if user is None:
            return None
    return user
