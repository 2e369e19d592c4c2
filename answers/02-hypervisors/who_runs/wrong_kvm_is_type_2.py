# expected: 0/2
# hint: The kernel itself enters the guest
# misconception: Linux is there, so KVM stands on an operating system
def who_runs(stack, name):
    found = []
    types = {"hypervisor": "type 1", "system": "type 2", "module": "type 2", "program": "type 2"}
    while name is not None:
        kind, below = stack[name]
        if kind == "guest":
            found.append((below, types[stack[below][0]]))
        name = below
    return found
