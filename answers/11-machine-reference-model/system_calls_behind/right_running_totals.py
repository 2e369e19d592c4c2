# expected: 4/4
# method: a running count for each thread; a call is the difference
from collections import defaultdict


def system_calls_behind(trace):
    total, entered, ends = defaultdict(int), defaultdict(list), []
    for thread, what, name in trace:
        if what == "system call":
            total[thread] += 1
        elif what == "call":
            entered[thread].append((name, total[thread]))
        else:
            function, before = entered[thread].pop()
            ends.append((function, total[thread] - before))
    for thread, still_open in entered.items():
        ends.extend((function, total[thread] - before) for function, before in still_open)
    result = {name: {"none": 0, "one": 0, "many": 0} for name, _ in ends}
    for name, count in ends:
        key = "many" if count > 1 else ("none", "one")[count]
        result[name][key] += 1
    return result
