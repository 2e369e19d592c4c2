# expected: 1/4
# hint: Each page is decided by itself
# misconception: a frame has one right, whoever leads to it
def shadow(guest_table, p2m, tables):
    folded = {}
    for page, (frame, flags) in guest_table.items():
        if not {"p", "a"} <= set(flags) or frame not in p2m:
            continue
        machine, shared = p2m[frame]
        may_write = "w" in flags and "d" in flags
        folded[page] = (machine, may_write and not shared and frame not in tables)
    alike = {}
    for machine, right in folded.values():
        alike[machine] = alike.get(machine, True) and right
    return {page: (machine, alike[machine]) for page, (machine, right) in folded.items()}
