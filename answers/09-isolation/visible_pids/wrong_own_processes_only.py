# expected: 0/3
# hint: The host sees into every namespace below it
# misconception: a wall hides the inside from the outside, too
def visible_pids(tree, namespace):
    return sorted(process[-1] for process in tree[namespace]["processes"])
