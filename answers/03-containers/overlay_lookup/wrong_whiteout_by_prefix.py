# expected: 1/4
# hint: A whiteout hides one name, not all names that begin like it.
# misconception: everything whose path begins with the whiteout's path is below it
def overlay_lookup(layers, path):
    view = {}
    for number, layer in enumerate(layers):
        for entry in sorted(layer):
            kind = layer[entry]
            if kind != "dir" or view.get(entry, (None, ""))[1] == "file":
                view = {
                    old: at for old, at in view.items() if old == entry or not old.startswith(entry)
                }
            if kind == "whiteout":
                view.pop(entry, None)
            else:
                view[entry] = (number, "file" if kind == "file" else "directory")
    return view.get(path, (None,))[0]
