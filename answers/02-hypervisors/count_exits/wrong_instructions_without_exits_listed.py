# expected: 0/3
# hint: its own kernel deals with this one
# misconception: a count of zero is a count like any other
def count_exits(trace, policy):
    exits, returns = {}, 0
    for mode, instruction, times in trace:
        when, handler = policy.get(instruction, ("never", ""))
        number = 0
        if when in ("always", mode):
            number = min(times, 1) if instruction.startswith("rep ") else times
        exits[instruction] = exits.get(instruction, 0) + number
        returns += number if handler == "process" else 0
    return {"exits": exits, "returns": returns}
