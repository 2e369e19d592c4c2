# expected: 1/2
# hint: changes nothing in its type
# misconception: a hypervisor in a virtual machine is not on the bare hardware, so it is type 2
def who_runs(stack, name):
    found = []
    types = {"hypervisor": "type 1", "system": "both", "module": "type 2", "program": "type 2"}
    while name is not None:
        kind, below = stack[name]
        if kind == "guest":
            what, lower = stack[below]
            nested = what == "hypervisor" and stack[lower][0] != "hardware"
            found.append((below, "type 2" if nested else types[what]))
        name = below
    return found
