# expected: 0/4
# hint: The key in d is found after the door was seen: try the door again
# misconception: a door that stayed shut is never tried again
def blast_radius(graph, start):
    held, queue = {start}, [start]
    for place in queue:
        for target, door in graph.get(place, {}).items():
            if target not in held and (door is True or (door is not False and door in held)):
                held.add(target)
                queue.append(target)
    return held
