# expected: 0/3
# hint: Ask for each listed blob: is its digest in present?
# misconception: the config is part of the manifest and comes with every pull
def bytes_to_pull(present, manifest):
    sizes = {layer["digest"]: layer["size"] for layer in manifest["layers"]}
    new = sum(size for digest, size in sizes.items() if digest not in present)
    return new + manifest["config"]["size"]
