# expected: 1/3
# hint: In a VM inside a VM, the nearest kernel crashes, and only that one.
# misconception: all machines inside a VM share its kernel
def survivors(parts, event, name):
    if event == "panics":
        steps = []
        while name is not None:
            steps.append(name)
            name = parts[name][1]
        kernels = [part for part in steps if parts[part][0] == "vm"]
        name = kernels[-1] if kernels else steps[-1]
    left = set()
    for part in parts:
        way = part
        while way is not None and way != name:
            way = parts[way][1]
        if way is None:
            left.add(part)
    return left
