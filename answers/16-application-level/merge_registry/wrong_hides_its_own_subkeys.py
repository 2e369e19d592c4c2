# expected: 0/4
# hint: also if the override is listed later
# misconception: one round for each layer is enough
def merge_registry(layers):
    result = {}
    for layer in layers:
        for key, (rule, values) in layer.items():
            key = key.lower()
            if rule != "merge":
                for one in [one for one in result if one == key or one.startswith(key + "\\")]:
                    del result[one]
            if rule != "delete":
                entry = result.setdefault(key, {})
                for name, value in values.items():
                    entry[name.lower()] = value
                    if value is None:
                        del entry[name.lower()]
    return result
