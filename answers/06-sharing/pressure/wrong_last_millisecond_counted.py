# expected: 0/3
# hint: A span ends before its second number
# misconception: a span holds both of its ends
def pressure(tasks, start, end):
    some, full = set(), set(range(start, end))
    for spans in tasks.values():
        waiting = set()
        for since, until in spans:
            waiting |= set(range(max(since, start), min(until + 1, end)))
        some |= waiting
        full &= waiting
    length = end - start
    return {"some": len(some) / length, "full": len(full & some) / length}
