# expected: 0/4
# hint: A cleared cluster reads as zeros: return ''.
# misconception: None in, None out
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
            if number in file["clusters"]
            else disk[number]
            if number < len(disk)
            else ""
            for number in range(file["size"])
        ]
    return disk
