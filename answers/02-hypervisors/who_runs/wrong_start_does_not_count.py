# expected: 0/2
# hint: The start counts where it is a guest itself
# misconception: the way begins below the name that was asked for
def who_runs(stack, name):
    found = []
    types = {"hypervisor": "type 1", "system": "both", "module": "type 2", "program": "type 2"}
    name = stack[name][1]
    while name is not None:
        kind, below = stack[name]
        if kind == "guest":
            found.append((below, types[stack[below][0]]))
        name = below
    return found
