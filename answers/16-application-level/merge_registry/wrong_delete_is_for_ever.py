# expected: 0/4
# hint: may bring a deleted key to life again
# misconception: what is deleted stays deleted
def merge_registry(layers):
    result, dead = {}, set()
    for layer in layers:
        for key, (rule, values) in layer.items():
            hidden = key.lower()
            if rule == "delete":
                dead.add(hidden)
            if rule != "merge":
                result = {
                    one: kept
                    for one, kept in result.items()
                    if one != hidden and not one.startswith(hidden + "\\")
                }
        for key, (rule, values) in layer.items():
            if key.lower() in dead:
                continue
            entry = result.setdefault(key.lower(), {})
            for name, value in values.items():
                if value is None:
                    entry.pop(name.lower(), None)
                else:
                    entry[name.lower()] = value
    return result
