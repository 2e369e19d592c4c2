# expected: 0/2
# hint: it should be a list of tuples
# misconception: a list of two and a tuple of two are the same
def who_runs(stack, name):
    found = []
    types = {"hypervisor": "type 1", "system": "both", "module": "type 2", "program": "type 2"}
    while name is not None:
        kind, below = stack[name]
        if kind == "guest":
            found.append([below, types[stack[below][0]]])
        name = below
    return found
