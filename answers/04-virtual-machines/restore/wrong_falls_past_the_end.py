# expected: 1/4
# hint: What lies beyond the end of the middle file reads as zeros
# misconception: a cluster is looked for until some file has it
def restore(chain, at):
    names = []
    while at is not None:
        if at not in chain:
            return None
        names.append(at)
        at = chain[at]["backing"]
    view = {}
    for name in reversed(names):
        view.update(chain[name]["clusters"])
    return [view.get(number) or "" for number in range(chain[names[0]]["size"])]
