# expected: 0/4
# hint: Merge goes value by value
# misconception: the list begins at the top
def merge_registry(layers):
    result = {}
    for layer in reversed(layers):
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
                else:
                    entry[name.lower()] = value
    return result
