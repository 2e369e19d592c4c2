# expected: 0/3
# hint: Process 10 lives in pid:[500].
# misconception: what the children get is what the process has
def share_namespaces(links):
    groups = {}
    for process in sorted(links):
        own = {}
        for text in links[process].values():
            if text is not None:
                own[text.split(":")[0]] = text
        for kind, text in own.items():
            groups.setdefault(kind, {}).setdefault(text, []).append(process)
    return {kind: list(members.values()) for kind, members in groups.items()}
