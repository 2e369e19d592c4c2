# expected: 0/4
# hint: The door leads from b to a, not back
# misconception: a door can be used from both sides
def blast_radius(graph, start):
    both = {place: dict(doors) for place, doors in graph.items()}
    for place, doors in graph.items():
        for target, door in doors.items():
            both.setdefault(target, {}).setdefault(place, door)
    graph = both
    held = {start}
    while True:
        more = set()
        for place in held:
            for target, door in graph.get(place, {}).items():
                if door is True or (door is not False and door in held):
                    more.add(target)
        if more <= held:
            return held
        held |= more
