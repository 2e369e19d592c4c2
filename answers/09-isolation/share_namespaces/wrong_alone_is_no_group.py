# expected: 0/3
# hint: is a group of one
# misconception: sharing takes two
def share_namespaces(links):
    groups = {}
    for process in sorted(links):
        for name, text in links[process].items():
            if text is not None and not name.endswith("_for_children"):
                groups.setdefault(name, {}).setdefault(text, []).append(process)
    return {kind: [m for m in members.values() if len(m) > 1] for kind, members in groups.items()}
