# expected: 1/3
# hint: Any name may occur
# misconception: there are eight kinds, forever
def share_namespaces(links):
    groups = {}
    for process in sorted(links):
        for name, text in links[process].items():
            if text is not None and name in "mnt net pid time uts user cgroup ipc".split():
                groups.setdefault(name, {}).setdefault(text, []).append(process)
    return {kind: list(members.values()) for kind, members in groups.items()}
