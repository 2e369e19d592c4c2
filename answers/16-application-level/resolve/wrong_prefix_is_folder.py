# expected: 0/4
# hint: /docs is not a folder above /docsets
# misconception: a folder is above whatever begins with its name
def resolve(path, package, host):
    sandbox, files, modes = package["sandbox"], package["files"], package["modes"]
    above = []
    folder = path
    while folder != "/":
        folder = folder.rpartition("/")[0] or "/"
        above.append(folder)
    mode = "write copy"
    for place in sorted(modes, key=len):
        if path.startswith(place):
            mode = modes[place]
    removed = any(place in sandbox and sandbox[place] is None for place in above)
    if path in sandbox:
        return ("sandbox" if sandbox[path] is not None else None, "sandbox")
    if removed:
        return (None, "sandbox")
    if path in files:
        return ("package", "sandbox")
    read = "host" if path in host and mode != "full" else None
    return (read, "host" if mode == "merged" else "sandbox")
