# expected: 1/3
# hint: Look at the files of every process.
# misconception: all processes have the same files
def share_namespaces(links):
    groups = {}
    for kind in list(links.values())[0] if links else []:
        for process in sorted(links):
            text = links[process].get(kind)
            if text is not None and not kind.endswith("_for_children"):
                groups.setdefault(kind, {}).setdefault(text, []).append(process)
    return {kind: list(members.values()) for kind, members in groups.items()}
