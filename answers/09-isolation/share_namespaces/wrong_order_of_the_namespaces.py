# expected: 0/3
# hint: The groups are in order of their namespaces.
# misconception: groups are sorted by the number of the namespace
def share_namespaces(links):
    groups = {}
    for process in sorted(links):
        for name, text in links[process].items():
            if text is not None and not name.endswith("_for_children"):
                groups.setdefault(name, {}).setdefault(text, []).append(process)
    return {kind: [members[text] for text in sorted(members)] for kind, members in groups.items()}
