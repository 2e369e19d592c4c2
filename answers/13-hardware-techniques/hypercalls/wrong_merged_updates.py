# expected: 1/4
# hint: Updates of the same page are all sent
# misconception: only the last update of a page counts
def hypercalls(operations, batch):
    made, waiting, changed = [], [], False
    for operation in operations:
        send = False
        if operation[0] == "update":
            waiting = [one for one in waiting if one[1] != operation[1]] + [operation]
            changed = True
            send = len(waiting) == batch
        elif operation[0] == "read":
            send = any(one[1] == operation[1] for one in waiting)
        elif changed:
            waiting.append(operation)
            changed = False
            send = True
        if send:
            made.append(waiting)
            waiting = []
    if waiting:
        made.append(waiting)
    return made
