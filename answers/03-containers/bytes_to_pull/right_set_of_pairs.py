# expected: 3/3
# method: a set of (digest, size) pairs
def bytes_to_pull(present, manifest):
    listed = {(manifest["config"]["digest"], manifest["config"]["size"])}
    for layer in manifest["layers"]:
        listed.add((layer["digest"], layer["size"]))
    return sum(size for digest, size in listed if digest not in present)
