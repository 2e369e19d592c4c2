# expected: 0/3
# hint: Processes are numbers: 2 comes before 10.
# misconception: process numbers sort as text
def share_namespaces(links):
    groups = {}
    for process in sorted(links, key=str):
        for name, text in links[process].items():
            if text is not None and not name.endswith("_for_children"):
                groups.setdefault(name, {}).setdefault(text, []).append(process)
    return {kind: list(members.values()) for kind, members in groups.items()}
