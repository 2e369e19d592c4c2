# expected: 0/3
# hint: That time is counted once, not twice.
# misconception: pressure is the sum of all waiting
def pressure(tasks, start, end):
    some, full = [], set(range(start, end))
    for spans in tasks.values():
        waiting = set()
        for since, until in spans:
            waiting |= set(range(max(since, start), min(until, end)))
        some += waiting
        full &= waiting
    length = end - start
    return {"some": len(some) / length, "full": len(full & set(some)) / length}
