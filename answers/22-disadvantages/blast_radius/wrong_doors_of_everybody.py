# expected: 1/4
# hint: For a graph made by chance, the set is wrong
# misconception: any door whose key is held opens
def blast_radius(graph, start):
    held = {start}
    while True:
        more = set()
        for place in held | set(graph):
            for target, door in graph.get(place, {}).items():
                if (door is True and place in held) or (isinstance(door, str) and door in held):
                    more.add(target)
        if more <= held:
            return held
        held |= more
