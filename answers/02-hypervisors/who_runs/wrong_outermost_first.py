# expected: 1/2
# hint: put the nearest hypervisor first
# misconception: a stack is told from the hardware up
def who_runs(stack, name):
    found = []
    types = {"hypervisor": "type 1", "system": "both", "module": "type 2", "program": "type 2"}
    while name is not None:
        kind, below = stack[name]
        if kind == "guest":
            found.append((below, types[stack[below][0]]))
        name = below
    return found[::-1]
