# expected: 1/4
# hint: What the base had in it does not come back.
# misconception: only the topmost entry of a directory decides what shows in it
def overlay_lookup(layers, path):
    names = path.split("/")[1:]
    taking_part = list(reversed(range(len(layers))))
    for depth in range(1, len(names) + 1):
        here = "/" + "/".join(names[:depth])
        found = None
        merged = []
        for position in taking_part:
            kind = layers[position].get(here)
            if kind is None:
                continue
            if kind == "whiteout":
                if found is None:
                    break
                continue
            if kind == "file":
                if found is None:
                    found = position
                    break
                continue
            if found is None:
                found = position
            merged.append(position)
            if kind == "opaque":
                break
        taking_part = merged
    return found
