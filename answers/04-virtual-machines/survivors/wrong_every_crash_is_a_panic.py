# expected: 0/3
# hint: A process that ends takes nobody along.
# misconception: a crash of a program crashes its kernel
def survivors(parts, event, name):
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
