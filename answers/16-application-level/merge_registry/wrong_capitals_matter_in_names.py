# expected: 0/4
# hint: Keys and names in small letters
# misconception: only keys ignore capitals
def merge_registry(layers):
    result = {}
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
                    entry.pop(name, None)
                else:
                    entry[name] = value
    return result
