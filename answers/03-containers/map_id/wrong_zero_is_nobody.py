# expected: 1/3
# hint: 0 is a user like any other.
# misconception: root's number 0 is as good as no number, since both are false
def one_map(lines, user):
    for inside, outside, count in lines:
        if inside <= user < inside + count:
            return outside + user - inside
    return None


def map_id(maps, inside):
    user = inside
    for lines in maps:
        user = one_map(lines, user)
        if not user:
            return None
    return user
