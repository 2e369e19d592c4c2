# expected: 3/3
# method: the set of the fallen grows until nothing is added
def survivors(parts, event, name):
    if event == "panics":
        while parts[name][0] in ("container", "process"):
            name = parts[name][1]
    on_it = {}
    for part, (_, on) in parts.items():
        on_it.setdefault(on, []).append(part)
    gone, to_do = set(), [name]
    while to_do:
        part = to_do.pop()
        gone.add(part)
        to_do.extend(on_it.get(part, []))
    return set(parts) - gone
