# expected: 1/4
# hint: at any depth
# misconception: the subkeys of a key are those just below it
def merge_registry(layers):
    result = {}
    for layer in layers:
        for key, (rule, values) in layer.items():
            hidden = key.lower()
            if rule != "merge":
                result = {
                    one: kept
                    for one, kept in result.items()
                    if one != hidden and one.rpartition("\\")[0] != hidden
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
