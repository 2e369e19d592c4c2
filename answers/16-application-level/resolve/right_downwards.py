# expected: 4/4
# method: go down from the root, and let what is nearer overrule
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
        return ("host" if path in host else None), "host"
    if mode == "write copy" and path in host:
        return "host", "sandbox"
    return None, "sandbox"
