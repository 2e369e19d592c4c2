# expected: 4/4
# method: finds the end of each call, then counts within
def end_of(trace, start):
    thread, depth = trace[start][0], 0
    for place in range(start, len(trace)):
        if trace[place][0] == thread:
            depth += {"call": 1, "return": -1}.get(trace[place][1], 0)
            if depth == 0:
                return place
    return len(trace)


def system_calls_behind(trace):
    result = {}
    for start, (thread, what, name) in enumerate(trace):
        if what != "call":
            continue
        body = trace[start : end_of(trace, start)]
        count = sum(1 for who, event, _ in body if who == thread and event == "system call")
        counts = result.setdefault(name, dict.fromkeys(("none", "one", "many"), 0))
        counts[("none", "one", "many")[min(count, 2)]] += 1
    return result
