# expected: 0/3
# hint: it should be a list of groups, and each group a list
# misconception: a tuple is as good as a list
def share_namespaces(links):
    groups = {}
    for process in sorted(links):
        for name, text in links[process].items():
            if text is not None and not name.endswith("_for_children"):
                groups.setdefault(name, {}).setdefault(text, []).append(process)
    return {kind: [tuple(group) for group in members.values()] for kind, members in groups.items()}
