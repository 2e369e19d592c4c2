# expected: 4/4
# method: builds what the container sees from the base up
def overlay_lookup(layers, path):
    view = {}
    for number, layer in enumerate(layers):
        for entry in sorted(layer, key=lambda one: one.count("/")):
            kind = layer[entry]
            merges = kind == "dir" and view.get(entry, (None, ""))[1] == "directory"
            if not merges:
                for old in list(view):
                    if old == entry or old.startswith(entry + "/"):
                        del view[old]
            if kind != "whiteout":
                view[entry] = (number, "file" if kind == "file" else "directory")
    return view[path][0] if path in view else None
