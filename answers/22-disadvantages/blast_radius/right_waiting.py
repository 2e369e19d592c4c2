# expected: 4/4
# method: a queue, and doors that wait for their key
from collections import deque


def blast_radius(graph, start):
    held, queue, waiting = set(), deque([start]), {}
    while queue:
        place = queue.popleft()
        if place in held:
            continue
        held.add(place)
        queue.extend(waiting.pop(place, []))
        for target, door in graph.get(place, {}).items():
            if door is True or door in held:
                queue.append(target)
            elif door is not False:
                waiting.setdefault(door, []).append(target)
    return held
