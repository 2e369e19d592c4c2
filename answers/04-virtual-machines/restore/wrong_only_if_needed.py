# expected: 1/4
# hint: A lost backing file makes the disk unreadable, even if all clusters lie above it.
# misconception: a file that is not read is not missed
def restore(chain, at):
    if at not in chain:
        return None
    disk = []
    for number in range(chain[at]["size"]):
        name, content = at, ""
        while name is not None:
            if name not in chain:
                return None
            if number >= chain[name]["size"]:
                break
            if number in chain[name]["clusters"]:
                content = chain[name]["clusters"][number] or ""
                break
            name = chain[name]["backing"]
        disk.append(content)
    return disk
