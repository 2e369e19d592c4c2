# expected: 3/3
# method: the way of each part to the host, as a list
def way(parts, name):
    steps = []
    while name is not None:
        steps.append(name)
        name = parts[name][1]
    return steps


def survivors(parts, event, name):
    candidates = way(parts, name)
    if event == "panics":
        candidates = [part for part in candidates if parts[part][0] in ("vm", "host")]
    crashed = candidates[0]
    return {part for part in parts if crashed not in way(parts, part)}
