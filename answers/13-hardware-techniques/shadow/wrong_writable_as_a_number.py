# expected: 0/4
# hint: `writable` True or False, not 1 or 0
# misconception: 1 is as good as True
def shadow(guest_table, p2m, tables):
    folded = {}
    for page, (frame, flags) in guest_table.items():
        if not {"p", "a"} <= set(flags) or frame not in p2m:
            continue
        machine, shared = p2m[frame]
        may_write = flags.count("w") * flags.count("d")
        folded[page] = (machine, 0 if shared or frame in tables else may_write)
    return folded
