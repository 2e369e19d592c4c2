# expected: 3/3
# method: sweep over the edges and count who waits
def pressure(tasks, start, end):
    edges = []
    for spans in tasks.values():
        for since, until in spans:
            since, until = max(since, start), min(until, end)
            if since < until:
                edges += [(since, 1), (until, -1)]
    some = full = waiting = 0
    before = start
    for moment, change in sorted(edges):
        if waiting > 0:
            some += moment - before
        if waiting and waiting == len(tasks):
            full += moment - before
        before, waiting = moment, waiting + change
    return {"some": some / (end - start), "full": full / (end - start)}
