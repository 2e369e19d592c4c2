# expected: 1/3
# hint: a child before its parent
# misconception: the tree lists parents before their children
def visible_pids(tree, namespace):
    depths, inside, numbers = {None: -1}, set(), []
    for name, here in tree.items():
        depths[name] = depths.get(here["parent"], -1) + 1
        if name == namespace or here["parent"] in inside:
            inside.add(name)
            numbers += [process[depths[namespace]] for process in here["processes"]]
    return sorted(numbers)
