# expected: 0/3
# hint: it should be a dictionary with the keys
# misconception: two results are a pair, and the keys are only for the reader
def count_exits(trace, policy):
    exits, returns = {}, 0
    for mode, instruction, times in trace:
        when, handler = policy.get(instruction, ("never", ""))
        if times and when in ("always", mode):
            number = 1 if instruction.startswith("rep ") else times
            exits[instruction] = exits.get(instruction, 0) + number
            returns += number if handler == "process" else 0
    return exits, returns
