# expected: 0/3
# hint: from inside one does not see
# misconception: /proc shows every process of the machine
def visible_pids(tree, namespace):
    return sorted(process[0] for here in tree.values() for process in here["processes"])
