# expected: 0/4
# hint: Cluster 2 was cleared. That hides what lies below.
# misconception: a cleared cluster is one that the file does not hold
def restore(chain, at):
    files = []
    while at is not None:
        if at not in chain:
            return None
        files.append(chain[at])
        at = chain[at]["backing"]
    disk = []
    for file in reversed(files):
        disk = [
            file["clusters"][number]
            if file["clusters"].get(number)
            else disk[number]
            if number < len(disk)
            else ""
            for number in range(file["size"])
        ]
    return disk
