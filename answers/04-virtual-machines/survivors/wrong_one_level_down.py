# expected: 0/3
# hint: A VM ends with its monitor, at every depth.
# misconception: only what runs directly on a part ends with it
def survivors(parts, event, name):
    if event == "panics":
        while parts[name][0] not in ("vm", "host"):
            name = parts[name][1]
    return {part for part, (_, on) in parts.items() if part != name and on != name}
