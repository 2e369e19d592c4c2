# expected: 1/4
# hint: say where a write goes, and do not write
# misconception: to say where a write goes is to write
def resolve(path, package, host):
    pieces = path.strip("/").split("/")
    places = ["/"] + ["/" + "/".join(pieces[:number]) for number in range(1, len(pieces) + 1)]
    mode, gone = "write copy", False
    for place in places:
        mode = package["modes"].get(place, mode)
        if place in package["sandbox"]:
            gone = gone or package["sandbox"][place] is None
    if isinstance(package["sandbox"].get(path), str):
        return "sandbox", "sandbox"
    if gone:
        return None, "sandbox"
    if path in package["files"]:
        return "package", "sandbox"
    if mode == "merged":
        read = "host" if path in host else None
        host[path] = "new"
        return read, "host"
    if mode == "write copy" and path in host:
        return "host", "sandbox"
    return None, "sandbox"
