# expected: 0/3
# hint: That is the average of the two tasks.
# misconception: pressure is what a task waits on average
def pressure(tasks, start, end):
    some, full = [], set(range(start, end))
    for spans in tasks.values():
        waiting = set()
        for since, until in spans:
            waiting |= set(range(max(since, start), min(until, end)))
        some += waiting
        full &= waiting
    length = end - start
    return {"some": len(some) / length / max(1, len(tasks)), "full": len(full & set(some)) / length}
