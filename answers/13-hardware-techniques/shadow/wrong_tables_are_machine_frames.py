# expected: 0/4
# hint: each write must be seen
# misconception: the set names the host's frames
def shadow(guest_table, p2m, tables):
    folded = {}
    for page, (frame, flags) in guest_table.items():
        if not {"p", "a"} <= set(flags) or frame not in p2m:
            continue
        machine, shared = p2m[frame]
        may_write = "w" in flags and "d" in flags
        folded[page] = (machine, may_write and not shared and machine not in tables)
    return folded
