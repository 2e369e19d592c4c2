# expected: 1/4
# hint: Your function changed the caller's layers.
# misconception: what is hidden may be deleted
def overlay_lookup(layers, path):
    for position, layer in enumerate(layers):
        for entry, kind in layer.items():
            for lower in layers[:position]:
                if kind != "dir":
                    for old in [one for one in lower if one.startswith(entry + "/")]:
                        del lower[old]
                if kind in ("whiteout", "file"):
                    lower.pop(entry, None)
                elif lower.get(entry) in ("file", "whiteout"):
                    del lower[entry]
    for position in reversed(range(len(layers))):
        kind = layers[position].get(path)
        if kind is not None:
            return None if kind == "whiteout" else position
    return None
