# expected: 0/3
# hint: Those are the host's numbers.
# misconception: a process has one number, the one of the host
def visible_pids(tree, namespace):
    depth, above = 0, tree[namespace]["parent"]
    while above is not None:
        depth, above = depth + 1, tree[above]["parent"]
    numbers = []
    for name, here in tree.items():
        place = name
        while place not in (None, namespace):
            place = tree[place]["parent"]
        if place == namespace:
            numbers += [process[0] for process in here["processes"]]
    return sorted(numbers)
