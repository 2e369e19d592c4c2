# expected: 0/3
# hint: Does your function return the number, or print it?
# misconception: what is printed is returned
def map_id(maps, inside):
    user = inside
    for lines in maps:
        ends = [out + user - first for first, out, count in lines if first <= user < first + count]
        user = ends[0] if ends else None
        if user is None:
            break
    print(user)
