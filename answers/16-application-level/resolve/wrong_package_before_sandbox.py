# expected: 1/4
# hint: The sandbox comes before the package
# misconception: what the application came with is its own, so it comes first
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
    if path in files and not removed and sandbox.get(path, 1) is not None:
        return ("package", "sandbox")
    if path in sandbox:
        return ("sandbox" if sandbox[path] is not None else None, "sandbox")
    if removed:
        return (None, "sandbox")
    if path in files:
        return ("package", "sandbox")
    read = "host" if path in host and mode != "full" else None
    return (read, "host" if mode == "merged" else "sandbox")
