# expected: 0/3
# hint: It is not fetched again.
# misconception: an image is one file, as a virtual disk is: it is here or it is not
def bytes_to_pull(present, manifest):
    sizes = {blob["digest"]: blob["size"] for blob in [manifest["config"], *manifest["layers"]]}
    if set(sizes) <= set(present):
        return 0
    return sum(sizes.values())
