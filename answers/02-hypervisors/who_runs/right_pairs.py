# expected: 2/2
# method: the whole way first, then its pairs
def who_runs(stack, name):
    way = [name]
    while stack[way[-1]][1] is not None:
        way.append(stack[way[-1]][1])
    types = {"hypervisor": "type 1", "system": "both"}
    return [
        (below, types.get(stack[below][0], "type 2"))
        for upper, below in zip(way, way[1:])
        if stack[upper][0] == "guest"
    ]
