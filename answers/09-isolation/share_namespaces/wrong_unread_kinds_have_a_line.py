# expected: 1/3
# hint: of which no link could be read has no line
# misconception: an empty list of groups does no harm
def share_namespaces(links):
    groups = {}
    for process in sorted(links):
        for name, text in links[process].items():
            if not name.endswith("_for_children"):
                groups.setdefault(name, {})
            if text is not None and not name.endswith("_for_children"):
                groups.setdefault(name, {}).setdefault(text, []).append(process)
    return {kind: list(members.values()) for kind, members in groups.items()}
