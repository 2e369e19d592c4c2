# expected: 0/4
# hint: the load is at most 1
# misconception: asked for is done
def fleet_watts(servers):
    total = 0
    for one in servers:
        work = sum(one["demands"])
        if not one["on"]:
            if work > 0:
                raise ValueError("off, but in use")
            continue
        load = work / one["capacity"]
        total += one["idle"] + load * (one["peak"] - one["idle"])
    return total
