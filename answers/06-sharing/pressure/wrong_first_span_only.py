# expected: 0/3
# hint: A task may wait more than once.
# misconception: a task waits once
def pressure(tasks, start, end):
    some, full = set(), set(range(start, end))
    for spans in tasks.values():
        waiting = set()
        for since, until in spans[:1]:
            waiting |= set(range(max(since, start), min(until, end)))
        some |= waiting
        full &= waiting
    length = end - start
    return {"some": len(some) / length, "full": len(full & some) / length}
