# expected: 0/3
# hint: Process 10 stands in two groups.
# misconception: every link names a namespace that the process is in
def share_namespaces(links):
    groups = {}
    for process in sorted(links):
        for name, text in links[process].items():
            if text is not None:
                groups.setdefault(text.split(":")[0], {}).setdefault(text, []).append(process)
    return {kind: list(members.values()) for kind, members in groups.items()}
