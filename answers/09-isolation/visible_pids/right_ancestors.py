# expected: 3/3
# method: for each namespace the path from the root to it
def path_to(tree, name):
    path = [name]
    while tree[path[0]]["parent"] is not None:
        path.insert(0, tree[path[0]]["parent"])
    return path


def visible_pids(tree, namespace):
    found = []
    for name in tree:
        path = path_to(tree, name)
        if namespace in path:
            place = path.index(namespace)
            for process in tree[name]["processes"]:
                found.append(process[place])
    found.sort()
    return found
