# expected: 0/4
# hint: From a to b, and from there on to c
# misconception: only the next places fall
def blast_radius(graph, start):
    held = {start}
    while True:
        more = set()
        for place in held:
            for target, door in graph.get(place, {}).items():
                if door is True or (door is not False and door in held):
                    more.add(target)
        return held | more
