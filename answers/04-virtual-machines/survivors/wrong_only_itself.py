# expected: 0/3
# hint: What runs in a container ends with it.
# misconception: a crash is local: it takes nobody along
def survivors(parts, event, name):
    if event == "panics":
        while parts[name][0] not in ("vm", "host"):
            name = parts[name][1]
    return set(parts) - {name}
