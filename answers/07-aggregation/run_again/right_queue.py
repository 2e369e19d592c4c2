# expected: 3/3
# method: a queue, and a set of names seen
from collections import deque


def run_again(needs, where, wanted, dead):
    there = {name for name, servers in where.items() if any(s != dead for s in servers)}
    tasks, states, queue = set(), set(), deque(wanted)
    while queue:
        name = queue.popleft()
        if name in there or name in tasks or name in states:
            continue
        recipe = needs[name]
        (states if recipe is None else tasks).add(name)
        queue += recipe or []
    return tasks, states
