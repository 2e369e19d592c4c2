# expected: 1/4
# hint: 0 is a value
# misconception: what is false is no value
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
                if not value:
                    entry.pop(name.lower(), None)
                else:
                    entry[name.lower()] = value
    return result
