# expected: 0/4
# hint: 'orders', ''], a list. Does your function return its list?
# misconception: any sequence is a list
def restore(chain, at):
    files = []
    while at is not None:
        if at not in chain:
            return None
        files.append(chain[at])
        at = chain[at]["backing"]
    disk = ()
    for file in reversed(files):
        held = file["clusters"]
        disk = tuple(
            held[n] or "" if n in held else disk[n] if n < len(disk) else ""
            for n in range(file["size"])
        )
    return disk
