# expected: 0/4
# hint: A read falls through, a write does not
# misconception: with copy-on-write everything is read from the sandbox
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
        return ("package", "sandbox")
    read = "host" if path in host and mode == "merged" else None
    return (read, "host" if mode == "merged" else "sandbox")
