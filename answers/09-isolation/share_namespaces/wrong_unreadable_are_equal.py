# expected: 0/3
# hint: That does not make them equal.
# misconception: None equals None, so they share
def share_namespaces(links):
    groups = {}
    for process in sorted(links):
        for name, text in links[process].items():
            if not name.endswith("_for_children"):
                groups.setdefault(name, {}).setdefault(text, []).append(process)
    return {kind: list(members.values()) for kind, members in groups.items()}
