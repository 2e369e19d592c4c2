# expected: 0/4
# hint: Its backing file has a backing file, too.
# misconception: a chain has two links
def restore(chain, at):
    if at not in chain:
        return None
    file = chain[at]
    below = file["backing"]
    if below is not None and below not in chain:
        return None
    lower = chain[below] if below is not None else {"size": 0, "clusters": {}}
    return [
        file["clusters"][n] or "" if n in file["clusters"] else lower["clusters"].get(n) or ""
        for n in range(file["size"])
    ]
