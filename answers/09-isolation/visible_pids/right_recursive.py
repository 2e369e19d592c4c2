# expected: 3/3
# method: go down from the namespace, child by child
def visible_pids(tree, namespace):
    def depth_of(name):
        parent = tree[name]["parent"]
        return 0 if parent is None else 1 + depth_of(parent)

    def below(name):
        yield name
        for child, facts in tree.items():
            if facts["parent"] == name:
                yield from below(child)

    depth = depth_of(namespace)
    return sorted(
        process[depth] for name in below(namespace) for process in tree[name]["processes"]
    )
