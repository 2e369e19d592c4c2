# expected: 0/4
# hint: a write must first make a copy
# misconception: what is shared must exit on every access
def shadow(guest_table, p2m, tables):
    folded = {}
    for page, (frame, flags) in guest_table.items():
        if not {"p", "a"} <= set(flags) or frame not in p2m:
            continue
        machine, shared = p2m[frame]
        if shared:
            continue
        may_write = "w" in flags and "d" in flags
        folded[page] = (machine, may_write and not shared and frame not in tables)
    return folded
