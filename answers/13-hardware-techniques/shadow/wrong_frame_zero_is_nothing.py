# expected: 0/4
# hint: Frame 0 is a frame
# misconception: 0 means no frame
def shadow(guest_table, p2m, tables):
    folded = {}
    for page, (frame, flags) in guest_table.items():
        if not {"p", "a"} <= set(flags) or frame not in p2m or not frame:
            continue
        machine, shared = p2m[frame]
        may_write = "w" in flags and "d" in flags
        folded[page] = (machine, may_write and not shared and frame not in tables)
    return folded
