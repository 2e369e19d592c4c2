# expected: 0/3
# hint: a task that never waits makes it 0
# misconception: full looks at the tasks that wait now and then
def pressure(tasks, start, end):
    some, full = set(), set(range(start, end))
    for spans in filter(None, tasks.values()):
        waiting = set()
        for since, until in spans:
            waiting |= set(range(max(since, start), min(until, end)))
        some |= waiting
        full &= waiting
    length = end - start
    return {"some": len(some) / length, "full": len(full & some) / length}
