# expected: 3/3
# method: each process joins the first group whose first process has the same link
def share_namespaces(links):
    answer = {}
    for process, files in sorted(links.items()):
        for kind, text in files.items():
            if text is None or kind[-13:] == "_for_children":
                continue
            groups = answer.setdefault(kind, [])
            for group in groups:
                if links[group[0]][kind] == text:
                    group.append(process)
                    break
            else:
                groups.append([process])
    return answer
