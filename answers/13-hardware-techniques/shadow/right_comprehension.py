# expected: 4/4
# method: one comprehension, rights by multiplication
def shadow(guest_table, p2m, tables):
    def has(flags, *letters):
        return all(letter in flags for letter in letters)

    return {
        page: (
            p2m[frame][0],
            has(flags, "w", "d") and not (p2m[frame][1] or frame in tables),
        )
        for page, (frame, flags) in guest_table.items()
        if has(flags, "p", "a") and frame in p2m
    }
