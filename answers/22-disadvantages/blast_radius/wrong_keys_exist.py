# expected: 0/4
# hint: b is held, and the key to c lies there
# misconception: a key opens if its place exists
def blast_radius(graph, start):
    held = {start}
    while True:
        more = set()
        for place in held:
            for target, door in graph.get(place, {}).items():
                if door is True or (door is not False and door in graph):
                    more.add(target)
        if more <= held:
            return held
        held |= more
