# expected: 0/4
# hint: whose update does not wait
# misconception: a read always sends what waits
def hypercalls(operations, batch):
    made, waiting, changed = [], [], False
    for operation in operations:
        send = False
        if operation[0] == "update":
            waiting.append(operation)
            changed = True
            send = len(waiting) == batch
        elif operation[0] == "read":
            send = bool(waiting)
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
