# expected: 1/4
# hint: A layer above may bring a value back
# misconception: what was taken away never comes back
def merge_registry(layers):
    result, taken = {}, set()
    for layer in layers:
        for key, (rule, values) in layer.items():
            hidden = key.lower()
            if rule != "merge":
                result = {
                    one: kept
                    for one, kept in result.items()
                    if one != hidden and not one.startswith(hidden + "\\")
                }
        for key, (rule, values) in layer.items():
            if rule == "delete":
                continue
            entry = result.setdefault(key.lower(), {})
            for name, value in values.items():
                if value is None:
                    entry.pop(name.lower(), None)
                    taken.add((key.lower(), name.lower()))
                elif (key.lower(), name.lower()) not in taken:
                    entry[name.lower()] = value
    return result
