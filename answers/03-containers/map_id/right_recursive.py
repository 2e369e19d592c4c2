# expected: 3/3
# method: recursion over the maps, without the helper of the scaffold
def map_id(maps, inside):
    if not maps:
        return inside
    innermost, *further = maps
    places = [
        outside + (inside - first)
        for first, outside, count in innermost
        if 0 <= inside - first < count
    ]
    return map_id(further, places[0]) if places else None
