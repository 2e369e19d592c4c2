# expected: 1/3
# hint: Your function changed present or the manifest.
# misconception: an argument is mine to use up
def bytes_to_pull(present, manifest):
    total = 0
    for blob in [manifest["config"], *manifest["layers"]]:
        if blob["digest"] not in present:
            total += blob["size"]
            present.add(blob["digest"])
    return total
