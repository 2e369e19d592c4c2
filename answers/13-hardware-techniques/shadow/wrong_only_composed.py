# expected: 0/4
# hint: The guest itself does not allow writing
# misconception: a shadow is two lookups
def shadow(guest_table, p2m, tables):
    return {
        page: (p2m[frame][0], True)
        for page, (frame, flags) in guest_table.items()
        if frame in p2m and "p" in flags and "a" in flags
    }
