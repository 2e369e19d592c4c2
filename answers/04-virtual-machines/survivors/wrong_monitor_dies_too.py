# expected: 0/3
# hint: Its monitor is an ordinary process, and stays.
# misconception: a VM and its monitor are one thing
def survivors(parts, event, name):
    if event == "panics":
        while parts[name][0] not in ("vm", "host"):
            name = parts[name][1]
        if parts[name][0] == "vm":
            name = parts[name][1]
    left = set()
    for part in parts:
        way = part
        while way is not None and way != name:
            way = parts[way][1]
        if way is None:
            left.add(part)
    return left
