# expected: 1/4
# hint: Each counts, also if its name is the same as before
# misconception: what counts is how many different system calls there are
def system_calls_behind(trace):
    calls, inside = [], {}
    for thread, what, name in trace:
        stack = inside.setdefault(thread, [])
        if what == "call":
            stack.append([name, set()])
            calls.append(stack[-1])
        elif what == "return":
            stack.pop()
        else:
            for call in stack:
                call[1].add(name)
    result = {}
    for name, kinds in calls:
        count = len(kinds)
        counts = result.setdefault(name, {"none": 0, "one": 0, "many": 0})
        counts["none" if count == 0 else "one" if count == 1 else "many"] += 1
    return result
