# expected: 1/3
# hint: time_for_children says nothing
# misconception: pid_for_children is the only file of its sort
def share_namespaces(links):
    groups = {}
    for process in sorted(links):
        for name, text in links[process].items():
            if text is not None and name != "pid_for_children":
                groups.setdefault(name, {}).setdefault(text, []).append(process)
    return {kind: list(members.values()) for kind, members in groups.items()}
