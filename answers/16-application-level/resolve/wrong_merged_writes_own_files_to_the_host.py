# expected: 0/4
# hint: so also in a merged folder the host's is not touched
# misconception: merged means that every write goes to the host
def resolve(path, package, host):
    sandbox, files, modes = package["sandbox"], package["files"], package["modes"]
    above = []
    folder = path
    while folder != "/":
        folder = folder.rpartition("/")[0] or "/"
        above.append(folder)
    mode = "write copy"
    for place in [path, *above]:
        if place in modes:
            mode = modes[place]
            break
    removed = any(place in sandbox and sandbox[place] is None for place in above)
    if path in sandbox:
        return ("sandbox" if sandbox[path] is not None else None, "sandbox")
    if removed:
        return (None, "sandbox")
    if path in files:
        return ("package", "host" if mode == "merged" else "sandbox")
    read = "host" if path in host and mode != "full" else None
    return (read, "host" if mode == "merged" else "sandbox")
