# expected: 0/3
# hint: The config is a blob of its own. It is fetched too.
# misconception: an image is its layers
def bytes_to_pull(present, manifest):
    sizes = {blob["digest"]: blob["size"] for blob in manifest["layers"]}
    return sum(size for digest, size in sizes.items() if digest not in present)
