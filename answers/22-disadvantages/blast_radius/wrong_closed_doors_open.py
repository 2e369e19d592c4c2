# expected: 0/4
# hint: The only door is never exploitable
# misconception: every door is a way
def blast_radius(graph, start):
    held = {start}
    while True:
        more = set()
        for place in held:
            for target, door in graph.get(place, {}).items():
                if True:
                    more.add(target)
        if more <= held:
            return held
        held |= more
