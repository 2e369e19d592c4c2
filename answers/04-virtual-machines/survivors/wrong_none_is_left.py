# expected: 0/3
# hint: These are no names in parts.
# misconception: what the host runs on is a part, too
def survivors(parts, event, name):
    fallen = name
    while event == "panics" and parts[fallen][0] not in ("vm", "host"):
        fallen = parts[fallen][1]
    left = set()
    for part in parts:
        way = [part]
        while way[-1] is not None and way[-1] != fallen:
            way.append(parts[way[-1]][1])
        if way[-1] is None:
            left.update(way)
    return left
