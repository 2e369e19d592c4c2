# expected: 0/3
# hint: its own kernel deals with this one
# misconception: a privileged instruction exits, whoever executes it
def count_exits(trace, policy):
    exits, returns = {}, 0
    for _, instruction, times in trace:
        when, handler = policy.get(instruction, ("never", ""))
        if times and when != "never":
            number = 1 if instruction.startswith("rep ") else times
            exits[instruction] = exits.get(instruction, 0) + number
            returns += number if handler == "process" else 0
    return {"exits": exits, "returns": returns}
