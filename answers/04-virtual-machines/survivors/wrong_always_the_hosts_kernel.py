# expected: 0/3
# hint: A VM has a kernel of its own.
# misconception: there is one kernel on a machine
def survivors(parts, event, name):
    if event == "panics":
        while parts[name][1] is not None:
            name = parts[name][1]
    left = set()
    for part in parts:
        way = part
        while way is not None and way != name:
            way = parts[way][1]
        if way is None:
            left.add(part)
    return left
