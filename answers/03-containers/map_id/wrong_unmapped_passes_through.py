# expected: 0/3
# hint: It does not pass unchanged.
# misconception: a user without a line is the same user on the host
def one_map(lines, user):
    for inside, outside, count in lines:
        if inside <= user < inside + count:
            return outside + user - inside
    return user


def map_id(maps, inside):
    user = inside
    for lines in maps:
        user = one_map(lines, user)
        if user is None:
            return None
    return user
