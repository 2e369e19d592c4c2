# expected: 1/3
# hint: full is the time in which all tasks wait, not two of three.
# misconception: all means several
def pressure(tasks, start, end):
    some = full = 0
    for ms in range(start, end):
        waiting = sum(any(a <= ms < b for a, b in spans) for spans in tasks.values())
        some += waiting > 0
        full += waiting >= min(2, len(tasks)) and waiting > 0
    return {"some": some / (end - start), "full": full / (end - start)}
