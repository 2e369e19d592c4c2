# expected: 4/4
# method: a loop down the chain for each cluster
def restore(chain, at):
    name = at
    while name is not None:
        if name not in chain:
            return None
        name = chain[name]["backing"]
    disk = []
    for number in range(chain[at]["size"]):
        name, content = at, ""
        while name is not None and number < chain[name]["size"]:
            held = chain[name]["clusters"]
            if number in held:
                content = "" if held[number] is None else held[number]
                break
            name = chain[name]["backing"]
        disk.append(content)
    return disk
