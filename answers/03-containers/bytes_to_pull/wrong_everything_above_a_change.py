# expected: 0/3
# hint: Only the layer in the middle is new. The one above it is here already.
# misconception: a pull works as a build cache does: all above the first new layer is new
def bytes_to_pull(present, manifest):
    sizes = {}
    changed = False
    for blob in manifest["layers"]:
        changed = changed or blob["digest"] not in present
        if changed:
            sizes[blob["digest"]] = blob["size"]
    if manifest["config"]["digest"] not in present:
        sizes[manifest["config"]["digest"]] = manifest["config"]["size"]
    return sum(sizes.values())
