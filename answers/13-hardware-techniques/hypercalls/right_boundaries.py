# expected: 4/4
# method: first the operations that are sent, then where to cut them
def hypercalls(operations, batch):
    calls = [[]]
    flushed = True
    for kind, *rest in operations:
        current = calls[-1]
        if kind == "update":
            current.append((kind, *rest))
            flushed = False
            if len(current) >= batch:
                calls.append([])
        elif kind == "flush":
            if not flushed:
                current.append((kind,))
                calls.append([])
            flushed = True
        elif rest[0] in [one[1] for one in current]:
            calls.append([])
    return [call for call in calls if call]
