# expected: 3/3
# method: a queue, and a set of tasks seen
from collections import deque


def run_again(needs, where, wanted, dead):
    there = {task for task, servers in where.items() if any(s != dead for s in servers)}
    seen, queue = set(), deque(wanted)
    while queue:
        task = queue.popleft()
        if task in there or task in seen:
            continue
        seen.add(task)
        queue += needs[task]
    return seen
