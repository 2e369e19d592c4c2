# expected: 1/3
# hint: as numbers: 9 before 10
# misconception: numbers sort as their digits do
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
            numbers += [process[depth] for process in here["processes"]]
    return sorted(numbers, key=str)
