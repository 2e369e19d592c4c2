# expected: 0/4
# hint: A read of page 1 needs its update
# misconception: a read names the frame
def hypercalls(operations, batch):
    made, waiting, changed = [], [], False
    for operation in operations:
        send = False
        if operation[0] == "update":
            waiting.append(operation)
            changed = True
            send = len(waiting) == batch
        elif operation[0] == "read":
            send = any(one[2] == operation[1] for one in waiting)
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
