# expected: 0/4
# hint: The key in d is found after the door was seen: try the door again
# misconception: two rounds are enough
def blast_radius(graph, start):
    held = {start}
    for _ in range(2):
        more = set()
        for place in held:
            for target, door in graph.get(place, {}).items():
                if door is True or (door is not False and door in held):
                    more.add(target)
        if more <= held:
            return held
        held |= more
    return held
