# expected: 0/4
# hint: it should be None: all others lie on it, and a snapshot is no backup.
# misconception: a snapshot is a backup: what it lacks reads as zeros
def restore(chain, at):
    files = []
    while at is not None:
        if at not in chain:
            break
        files.append(chain[at])
        at = chain[at]["backing"]
    if not files:
        return None
    disk = []
    for file in reversed(files):
        disk = [
            file["clusters"][number] or ""
            if number in file["clusters"]
            else disk[number]
            if number < len(disk)
            else ""
            for number in range(file["size"])
        ]
    return disk
