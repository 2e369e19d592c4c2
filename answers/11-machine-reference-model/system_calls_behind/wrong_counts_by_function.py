# expected: 0/4
# hint: Two calls with one system call each are not one call with two
# misconception: a function has one count
def system_calls_behind(trace):
    calls, inside = [], {}
    for thread, what, name in trace:
        stack = inside.setdefault(thread, [])
        if what == "call":
            stack.append([name, 0])
            calls.append(stack[-1])
        elif what == "return":
            stack.pop()
        else:
            for call in stack:
                call[1] += 1
    result = {}
    totals = {}
    for name, count in calls:
        totals[name] = totals.get(name, 0) + count
    for name, count in totals.items():
        counts = result.setdefault(name, {"none": 0, "one": 0, "many": 0})
        counts["none" if count == 0 else "one" if count == 1 else "many"] += 1
    return result
