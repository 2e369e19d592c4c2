# expected: 0/4
# hint: Your function changed the layers
# misconception: the layers are mine to tidy up
def merge_registry(layers):
    keys, pairs = set(), {}
    for layer in layers:
        for key in list(layer):
            layer[key.lower()] = layer.pop(key)
        gone = [key.lower() for key in layer if layer[key][0] in ("override", "delete")]

        def stays(key):
            return not any((key + "\\").startswith(one + "\\") for one in gone)

        keys = {key for key in keys if stays(key)}
        pairs = {pair: value for pair, value in pairs.items() if stays(pair[0])}
        for key, (rule, values) in layer.items():
            if rule in ("merge", "override"):
                keys.add(key.lower())
                for name in values:
                    pairs[key.lower(), name.lower()] = values[name]
    result = {key: {} for key in keys}
    for (key, name), value in pairs.items():
        if value is not None:
            result[key][name] = value
    return result
