# expected: 1/3
# hint: The digest names a blob, not its size.
# misconception: blobs of one size are one blob
def bytes_to_pull(present, manifest):
    listed = [manifest["config"], *manifest["layers"]]
    return sum({blob["size"] for blob in listed if blob["digest"] not in present})
