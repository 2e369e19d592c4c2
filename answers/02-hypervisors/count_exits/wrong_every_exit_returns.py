# expected: 0/3
# hint: the host's kernel handles them all: none returns
# misconception: every exit goes to the process outside
def count_exits(trace, policy):
    exits = {}
    for mode, instruction, times in trace:
        when, _ = policy.get(instruction, ("never", ""))
        if times and when in ("always", mode):
            number = 1 if instruction.startswith("rep ") else times
            exits[instruction] = exits.get(instruction, 0) + number
    return {"exits": exits, "returns": sum(exits.values())}
