# expected: 0/4
# hint: brk lies behind malloc and behind fopen
# misconception: many begins at three
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
    for name, count in calls:
        counts = result.setdefault(name, {"none": 0, "one": 0, "many": 0})
        counts["none" if count == 0 else "one" if count <= 2 else "many"] += 1
    return result
