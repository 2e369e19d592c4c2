# expected: 2/2
# method: one step, and the rest by recursion
def who_runs(stack, name):
    kind, below = stack[name]
    if below is None:
        return []
    rest = who_runs(stack, below)
    if kind != "guest":
        return rest
    match stack[below][0]:
        case "hypervisor":
            return [(below, "type 1"), *rest]
        case "system":
            return [(below, "both"), *rest]
        case _:
            return [(below, "type 2"), *rest]
