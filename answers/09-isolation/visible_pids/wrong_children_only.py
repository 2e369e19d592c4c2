# expected: 0/3
# hint: The namespaces below the children are visible, too.
# misconception: a namespace sees one step down
def visible_pids(tree, namespace):
    depth, above = 0, tree[namespace]["parent"]
    while above is not None:
        depth, above = depth + 1, tree[above]["parent"]
    return sorted(
        process[depth]
        for name, here in tree.items()
        if namespace in (name, here["parent"])
        for process in here["processes"]
    )
