# expected: 3/3
# method: one pass over the trace for each instruction of the policy
def count_exits(trace, policy):
    exits, returns = {}, 0
    for name, (when, handler) in policy.items():
        modes = {"always": {"kernel", "user"}, "kernel": {"kernel"}, "never": set()}[when]
        entries = [times for mode, other, times in trace if other == name and mode in modes]
        number = sum(times > 0 for times in entries) if name.startswith("rep ") else sum(entries)
        if number:
            exits[name] = number
            returns += number if handler == "process" else 0
    return {"exits": exits, "returns": returns}
