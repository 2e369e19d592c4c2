# expected: 4/4
# method: asks for the layers that take part in the parent directory first
def directory_layers(layers, path):
    """The layers whose directory at path is merged, from the top down."""
    if path == "":
        return list(range(len(layers) - 1, -1, -1))
    taking_part = []
    for number in directory_layers(layers, path.rpartition("/")[0]):
        kind = layers[number].get(path, "nothing")
        if kind in ("dir", "opaque"):
            taking_part.append(number)
        if kind in ("opaque", "file", "whiteout"):
            break
    return taking_part


def overlay_lookup(layers, path):
    for number in directory_layers(layers, path.rpartition("/")[0]):
        kind = layers[number].get(path)
        if kind is not None:
            return None if kind == "whiteout" else number
    return None
