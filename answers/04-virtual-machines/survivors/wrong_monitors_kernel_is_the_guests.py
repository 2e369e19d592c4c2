# expected: 0/3
# hint: A monitor is a process of the host. Its kernel is the host's.
# misconception: what runs a VM belongs to the VM
def survivors(parts, event, name):
    if event == "panics":
        inside = [part for part, (kind, on) in parts.items() if kind == "vm" and on == name]
        if inside:
            name = inside[0]
        while parts[name][0] not in ("vm", "host"):
            name = parts[name][1]
    left = set()
    for part in parts:
        way = part
        while way is not None and way != name:
            way = parts[way][1]
        if way is None:
            left.add(part)
    return left
