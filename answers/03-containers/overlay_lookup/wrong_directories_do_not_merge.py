# expected: 0/4
# hint: Only the base has it, and nothing above hides it.
# misconception: a directory replaces the one below it, as a file does
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
                break
            found = position
            if kind != "file":
                merged.append(position)
            break
        taking_part = merged
    return found
