# expected: 0/2
# hint: No guest is on the way down
# misconception: whatever could run guests counts as a hypervisor
def who_runs(stack, name):
    found = []
    types = {"hypervisor": "type 1", "system": "both", "module": "type 2"}
    name = stack[name][1]
    while name is not None:
        kind, below = stack[name]
        if kind in types:
            found.append((name, types[kind]))
        name = below
    return found
