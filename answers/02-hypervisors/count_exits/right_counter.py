# expected: 3/3
# method: a Counter, and a helper that says how often one entry exits
from collections import Counter


def exits_of(mode, instruction, times, policy):
    when = policy[instruction][0] if instruction in policy else "never"
    if when == "never" or (when == "kernel" and mode == "user"):
        return 0
    return min(times, 1) if instruction[:4] == "rep " else times


def count_exits(trace, policy):
    exits = Counter()
    for mode, instruction, times in trace:
        exits[instruction] += exits_of(mode, instruction, times, policy)
    exits = {name: number for name, number in exits.items() if number}
    returns = sum(number for name, number in exits.items() if policy[name][1] == "process")
    return {"exits": exits, "returns": returns}
