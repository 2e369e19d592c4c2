# expected: 1/3
# hint: Without any task nobody waits: both shares are 0.
# misconception: all of none is true, so it counts
def pressure(tasks, start, end):
    some, full = set(), set(range(start, end))
    for spans in tasks.values():
        waiting = set()
        for since, until in spans:
            waiting |= set(range(max(since, start), min(until, end)))
        some |= waiting
        full &= waiting
    length = end - start
    return {"some": len(some) / length, "full": len(full) / length}
