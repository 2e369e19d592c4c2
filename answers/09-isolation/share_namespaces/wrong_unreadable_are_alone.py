# expected: 0/3
# hint: They are in no group.
# misconception: what is unknown is separate
def share_namespaces(links):
    groups = {}
    for process in sorted(links):
        for name, text in links[process].items():
            text = text or f"unknown:{process}"
            if not name.endswith("_for_children"):
                groups.setdefault(name, {}).setdefault(text, []).append(process)
    return {kind: list(members.values()) for kind, members in groups.items()}
