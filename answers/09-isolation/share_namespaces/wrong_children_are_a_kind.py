# expected: 0/3
# hint: That file is about children to come
# misconception: every file is a kind of its own
def share_namespaces(links):
    groups = {}
    for process in sorted(links):
        for name, text in links[process].items():
            if text is not None:
                groups.setdefault(name, {}).setdefault(text, []).append(process)
    return {kind: list(members.values()) for kind, members in groups.items()}
