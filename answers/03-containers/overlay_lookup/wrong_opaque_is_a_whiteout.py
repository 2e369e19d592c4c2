# expected: 0/4
# hint: An opaque directory hides what lies below its layer, not its own files.
# misconception: an opaque mark removes the directory
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
            if kind in ("whiteout", "opaque"):
                break
            if kind == "file":
                if found is None:
                    found = position
                break
            if found is None:
                found = position
            merged.append(position)
        taking_part = merged
    return found
