# expected: 0/2
# hint: The kernel itself enters the guest
# misconception: whatever has the highest privilege is type 1, KVM too
def who_runs(stack, name):
    found = []
    types = {"hypervisor": "type 1", "system": "type 1", "module": "type 2", "program": "type 2"}
    while name is not None:
        kind, below = stack[name]
        if kind == "guest":
            found.append((below, types[stack[below][0]]))
        name = below
    return found
