# expected: 1/2
# hint: A guest can stand in a guest
# misconception: a machine has one hypervisor below it
def who_runs(stack, name):
    found = []
    types = {"hypervisor": "type 1", "system": "both", "module": "type 2", "program": "type 2"}
    while name is not None:
        kind, below = stack[name]
        if kind == "guest":
            return [(below, types[stack[below][0]])]
        name = below
    return found
