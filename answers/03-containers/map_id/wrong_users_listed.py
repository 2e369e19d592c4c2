# expected: 1/3
# hint: A line may hold all users there are.
# misconception: a map is short enough to write out user by user
def one_map(lines, user):
    for inside, outside, count in lines:
        for step in range(min(count, 10_000_000)):
            if user == inside + step:
                return outside + step
    return None


def map_id(maps, inside):
    user = inside
    for lines in maps:
        user = one_map(lines, user)
        if user is None:
            return None
    return user
