# expected: 0/4
# hint: The key lies in k, and k is not held
# misconception: a door with a key is open
def blast_radius(graph, start):
    held = {start}
    while True:
        more = set()
        for place in held:
            for target, door in graph.get(place, {}).items():
                if door:
                    more.add(target)
        if more <= held:
            return held
        held |= more
