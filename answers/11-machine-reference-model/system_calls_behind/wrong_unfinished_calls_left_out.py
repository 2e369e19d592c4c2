# expected: 1/4
# hint: A call that has not returned at the end of the trace
# misconception: a call is counted when it returns
def system_calls_behind(trace):
    calls, inside = [], {}
    for thread, what, name in trace:
        stack = inside.setdefault(thread, [])
        if what == "call":
            stack.append([name, 0])
        elif what == "return":
            calls.append(stack.pop())
        else:
            for call in stack:
                call[1] += 1
    result = {}
    for name, count in calls:
        counts = result.setdefault(name, {"none": 0, "one": 0, "many": 0})
        counts["none" if count == 0 else "one" if count == 1 else "many"] += 1
    return result
