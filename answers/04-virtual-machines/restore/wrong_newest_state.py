# expected: 0/4
# hint: Begin at the file `at`.
# misconception: the newest file of a chain is what you get back
def restore(chain, at):
    if at not in chain:
        return None
    while True:
        above = [name for name, file in chain.items() if file["backing"] == at]
        if not above:
            break
        at = above[0]
    files = []
    while at is not None:
        if at not in chain:
            return None
        files.append(chain[at])
        at = chain[at]["backing"]
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
