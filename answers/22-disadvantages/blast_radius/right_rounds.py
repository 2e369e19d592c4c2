# expected: 4/4
# method: whole rounds until nothing is new
def blast_radius(graph, start):
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
