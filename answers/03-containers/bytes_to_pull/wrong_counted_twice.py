# expected: 0/3
# hint: The same digest is the same blob: it is fetched once.
# misconception: a pull fetches one archive for each line of the manifest
def bytes_to_pull(present, manifest):
    listed = [manifest["config"], *manifest["layers"]]
    return sum(blob["size"] for blob in listed if blob["digest"] not in present)
