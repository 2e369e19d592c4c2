# expected: 4/4
# method: ask the folder above for what the path does not say itself
def mode_of(path, modes):
    if path in modes:
        return modes[path]
    return "write copy" if path == "/" else mode_of(path.rpartition("/")[0] or "/", modes)


def removed(path, sandbox):
    if path in sandbox and sandbox[path] is None:
        return True
    return path != "/" and removed(path.rpartition("/")[0] or "/", sandbox)


def resolve(path, package, host):
    mode = mode_of(path, package["modes"])
    layers = [("sandbox", package["sandbox"])]
    if not removed(path, package["sandbox"]):
        layers.append(("package", package["files"]))
        if mode != "full":
            layers.append(("host", host))
    found = [name for name, layer in layers if layer.get(path) is not None]
    touched = path in package["sandbox"] or path in package["files"]
    free = mode == "merged" and not touched and not removed(path, package["sandbox"])
    return (found[0] if found else None, "host" if free else "sandbox")
