# expected: 0/4
# hint: The container sees the topmost one.
# misconception: the first layer of a manifest lies on top
def overlay_lookup(layers, path):
    names = path.split("/")[1:]
    taking_part = list(range(len(layers)))
    for depth in range(1, len(names) + 1):
        here = "/" + "/".join(names[:depth])
        found = None
        merged = []
        for position in taking_part:
            kind = layers[position].get(here)
            if kind is None:
                continue
            if kind == "whiteout":
                break
            if kind == "file":
                if found is None:
                    found = position
                break
            if found is None:
                found = position
            merged.append(position)
            if kind == "opaque":
                break
        taking_part = merged
    return found
