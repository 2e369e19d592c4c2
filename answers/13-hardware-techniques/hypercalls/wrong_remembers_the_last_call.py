# expected: 0/4
# hint: nothing may remain from the call before
# misconception: a default list is a new one in each call
def hypercalls(operations, batch, made=[]):
    waiting, changed = [], False
    for operation in operations:
        send = False
        if operation[0] == "update":
            waiting.append(operation)
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
