# expected: 0/4
# hint: Your function changed what it was given
# misconception: the guest's table is mine to make the shadow of
def shadow(guest_table, p2m, tables):
    for page, (frame, flags) in list(guest_table.items()):
        if not {"p", "a"} <= set(flags) or frame not in p2m:
            del guest_table[page]
    folded = {}
    for page, (frame, flags) in guest_table.items():
        machine, shared = p2m[frame]
        may_write = "w" in flags and "d" in flags
        folded[page] = (machine, may_write and not shared and frame not in tables)
    return folded
