# expected: 0/3
# hint: Those are the numbers of 'web', its parent.
# misconception: a nested namespace counts as its parent does
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
            numbers += [process[min(depth, 1)] for process in here["processes"]]
    return sorted(numbers)
