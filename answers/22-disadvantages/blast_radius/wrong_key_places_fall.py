# expected: 0/4
# hint: The key lies in k, and k is not held
# misconception: the place of the key falls with the door
def blast_radius(graph, start):
    held = {start}
    while True:
        more = set()
        for place in held:
            for target, door in graph.get(place, {}).items():
                if door is True or (door is not False and door in held):
                    more.add(target)
                    if isinstance(door, str):
                        more.add(door)
                elif isinstance(door, str):
                    more.add(door)
        if more <= held:
            return held
        held |= more
