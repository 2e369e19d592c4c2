# expected: 0/4
# hint: is no memory
# misconception: what is no memory is mapped one to one
def shadow(guest_table, p2m, tables):
    folded = {}
    for page, (frame, flags) in guest_table.items():
        if not {"p", "a"} <= set(flags):
            continue
        machine, shared = p2m.get(frame, (frame, False))
        may_write = "w" in flags and "d" in flags
        folded[page] = (machine, may_write and not shared and frame not in tables)
    return folded
