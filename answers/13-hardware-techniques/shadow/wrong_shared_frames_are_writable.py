# expected: 0/4
# hint: a write must first make a copy
# misconception: who shares a frame is the host's business alone
def shadow(guest_table, p2m, tables):
    folded = {}
    for page, (frame, flags) in guest_table.items():
        if not {"p", "a"} <= set(flags) or frame not in p2m:
            continue
        machine, shared = p2m[frame]
        may_write = "w" in flags and "d" in flags
        folded[page] = (machine, may_write and frame not in tables)
    return folded
