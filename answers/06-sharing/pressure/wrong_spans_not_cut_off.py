# expected: 0/3
# hint: Cut the spans off at both.
# misconception: a span counts in full if it touches the window
def pressure(tasks, start, end):
    some, full = set(), set(range(start, end))
    for spans in tasks.values():
        waiting = set()
        for since, until in spans:
            waiting |= set(range(since, until))
        some |= waiting
        full &= waiting
    length = end - start
    return {"some": len(some) / length, "full": len(full & some) / length}
