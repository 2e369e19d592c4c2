# expected: 0/4
# hint: A start that the graph does not name is held all the same
# misconception: every place is a key of the graph
def blast_radius(graph, start):
    held = {start} & set(graph)
    while True:
        more = set()
        for place in held:
            for target, door in graph.get(place, {}).items():
                if door is True or (door is not False and door in held):
                    more.add(target)
        if more <= held:
            return held
        held |= more
