# expected: 0/3
# hint: Divide by the length of the time you look at: 30, not 50.
# misconception: time begins at 0
def pressure(tasks, start, end):
    some, full = set(), set(range(start, end))
    for spans in tasks.values():
        waiting = set()
        for since, until in spans:
            waiting |= set(range(max(since, start), min(until, end)))
        some |= waiting
        full &= waiting
    length = end
    return {"some": len(some) / length, "full": len(full & some) / length}
