# expected: 1/4
# hint: begin each call with new lists
# misconception: a list that is emptied is a new list
MADE = []


def hypercalls(operations, batch):
    MADE.clear()
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
            MADE.append(waiting)
            waiting = []
    if waiting:
        MADE.append(waiting)
    return MADE
