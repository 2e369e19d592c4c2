# expected: 0/3
# hint: Each of the 4 executions exits
# misconception: a run of the same instruction is one exit
def count_exits(trace, policy):
    exits, returns = {}, 0
    for mode, instruction, times in trace:
        when, handler = policy.get(instruction, ("never", ""))
        if times and when in ("always", mode):
            exits[instruction] = exits.get(instruction, 0) + 1
            returns += handler == "process"
    return {"exits": exits, "returns": int(returns)}
