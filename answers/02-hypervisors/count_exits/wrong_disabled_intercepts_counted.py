# expected: 0/3
# hint: This intercept is disabled.
# misconception: an instruction that the policy names always exits somehow
def count_exits(trace, policy):
    exits, returns = {}, 0
    for mode, instruction, times in trace:
        if instruction not in policy or times == 0:
            continue
        when, handler = policy[instruction]
        if when == "kernel" and mode == "user":
            continue
        number = 1 if instruction.startswith("rep ") else times
        exits[instruction] = exits.get(instruction, 0) + number
        returns += number if handler == "process" else 0
    return {"exits": exits, "returns": returns}
