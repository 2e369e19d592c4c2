# expected: 4/4
# method: from the top down: the first layer that says something about a value wins
def lowered(layer):
    return {
        key.lower(): (rule, {name.lower(): value for name, value in values.items()})
        for key, (rule, values) in layer.items()
    }


def parents(key):
    parts = key.split("\\")
    return ["\\".join(parts[:count]) for count in range(1, len(parts) + 1)]


def merge_registry(layers):
    seen, hidden, decided = {}, set(), set()
    for layer in map(lowered, reversed(layers)):
        for key, (rule, values) in layer.items():
            if rule == "delete" or hidden & set(parents(key)):
                continue
            seen.setdefault(key, {})
            for name, value in values.items():
                if (key, name) not in decided:
                    decided.add((key, name))
                    if value is not None:
                        seen[key][name] = value
        hidden |= {key for key, (rule, _) in layer.items() if rule != "merge"}
    return seen
