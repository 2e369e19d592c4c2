# expected: 1/3
# hint: A string instruction moves many items in one exit
# misconception: every item of a string instruction costs an exit
def count_exits(trace, policy):
    exits, returns = {}, 0
    for mode, instruction, times in trace:
        when, handler = policy.get(instruction, ("never", ""))
        if times and when in ("always", mode):
            exits[instruction] = exits.get(instruction, 0) + times
            returns += times if handler == "process" else 0
    return {"exits": exits, "returns": returns}
