# expected: 0/3
# hint: The kernel of a container's program is that of the nearest VM or host below the container.
# misconception: a container is a small VM, with a kernel of its own
def survivors(parts, event, name):
    if event == "panics":
        while parts[name][0] not in ("vm", "host", "container"):
            name = parts[name][1]
    left = set()
    for part in parts:
        way = part
        while way is not None and way != name:
            way = parts[way][1]
        if way is None:
            left.add(part)
    return left
