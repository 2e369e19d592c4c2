# expected: 3/3
# method: kinds first, then texts, then who has them; sorted at the end
def share_namespaces(links):
    found = {
        (name, text)
        for files in links.values()
        for name, text in files.items()
        if text and not name.endswith("_for_children")
    }
    answer = {}
    for kind, text in found:
        group = sorted(process for process, files in links.items() if files.get(kind) == text)
        answer.setdefault(kind, []).append(group)
    for groups in answer.values():
        groups.sort()
    return answer
