# expected: 3/3
# method: a loop with a set of what has been counted
def bytes_to_pull(present, manifest):
    held = set(present)
    total = 0
    for blob in manifest["layers"] + [manifest["config"]]:
        if blob["digest"] not in held:
            total += blob["size"]
            held.add(blob["digest"])
    return total
