# expected: 0/4
# hint: Do you start at the root?
# misconception: only an entry at the very path can hide a file
def overlay_lookup(layers, path):
    for number in reversed(range(len(layers))):
        kind = layers[number].get(path)
        if kind == "whiteout":
            return None
        if kind is not None:
            return number
    return None
