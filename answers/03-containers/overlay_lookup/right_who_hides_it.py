# expected: 4/4
# method: from the top down: who has it, and does anything above hide it at a directory on the way?
def overlay_lookup(layers, path):
    names = path.split("/")
    above = ["/".join(names[:end]) for end in range(2, len(names))]
    for number in range(len(layers) - 1, -1, -1):
        kind = layers[number].get(path)
        if kind is not None:
            return None if kind == "whiteout" else number
        if any(layers[number].get(one) in ("whiteout", "file", "opaque") for one in above):
            return None
    return None
