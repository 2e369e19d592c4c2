# expected: 0/3
# hint: the processes stand in ascending order
# misconception: processes come in ascending order
def share_namespaces(links):
    groups = {}
    for process in links:
        for name, text in links[process].items():
            if text is not None and not name.endswith("_for_children"):
                groups.setdefault(name, {}).setdefault(text, []).append(process)
    return {kind: list(members.values()) for kind, members in groups.items()}
