# expected: 4/4
# method: a generator that gives a call whenever one is due
def hypercalls(operations, batch):
    def calls():
        waiting, pages, unflushed = [], set(), 0
        for operation in operations:
            if operation[0] == "update":
                waiting.append(operation)
                pages.add(operation[1])
                unflushed += 1
                due = not len(waiting) < batch
            elif operation[0] == "flush":
                due = unflushed > 0
                if due:
                    waiting.append(operation)
                unflushed = 0
            else:
                due = operation[1] in pages
            if due:
                yield waiting
                waiting, pages = [], set()
        if waiting:
            yield waiting

    return list(calls())
