# expected: 1/4
# hint: A function inside itself is two calls
# misconception: a function that is open already is not called again
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
            for call in {open_call[0]: open_call for open_call in stack}.values():
                call[1] += 1
    result = {}
    for name, count in calls:
        counts = result.setdefault(name, {"none": 0, "one": 0, "many": 0})
        counts["none" if count == 0 else "one" if count == 1 else "many"] += 1
    return result
