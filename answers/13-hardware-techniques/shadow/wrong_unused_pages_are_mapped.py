# expected: 0/4
# hint: Not accessed yet
# misconception: present is enough
def shadow(guest_table, p2m, tables):
    folded = {}
    for page, (frame, flags) in guest_table.items():
        if "p" not in flags or frame not in p2m:
            continue
        machine, shared = p2m[frame]
        may_write = "w" in flags and "d" in flags
        folded[page] = (machine, may_write and not shared and frame not in tables)
    return folded
