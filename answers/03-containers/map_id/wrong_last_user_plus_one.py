# expected: 0/3
# hint: 501 is one too far.
# misconception: a range of count users ends at first + count, included
def one_map(lines, user):
    for inside, outside, count in lines:
        if inside <= user <= inside + count:
            return outside + user - inside
    return None


def map_id(maps, inside):
    user = inside
    for lines in maps:
        user = one_map(lines, user)
        if user is None:
            return None
    return user
