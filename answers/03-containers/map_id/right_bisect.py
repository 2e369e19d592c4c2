# expected: 3/3
# method: binary search in the sorted lines
import bisect


def one_map(lines, user):
    ordered = sorted(lines)
    place = bisect.bisect_right([line[0] for line in ordered], user) - 1
    if place < 0:
        return None
    first, outside, count = ordered[place]
    return outside + user - first if user - first < count else None


def map_id(maps, inside):
    user = inside
    for lines in maps:
        if user is not None:
            user = one_map(lines, user)
    return user
