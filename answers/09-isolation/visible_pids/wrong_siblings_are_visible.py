# expected: 0/3
# hint: Nobody sees into a sibling.
# misconception: a namespace sees all that lie as deep as itself, or deeper
def visible_pids(tree, namespace):
    def depth_of(name):
        parent = tree[name]["parent"]
        return 0 if parent is None else 1 + depth_of(parent)

    depth = depth_of(namespace)
    return sorted(
        process[depth]
        for name, here in tree.items()
        if depth_of(name) >= depth
        for process in here["processes"]
    )
