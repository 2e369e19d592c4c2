# expected: 0/4
# hint: ValueError
# misconception: a server with machines may not be off, even if they ask for nothing
def fleet_watts(servers):
    total = 0
    for one in servers:
        work = sum(one["demands"])
        if not one["on"]:
            if one["demands"]:
                raise ValueError("off, but in use")
            continue
        load = work / one["capacity"]
        if load > 1:
            load = 1
        total += one["idle"] + load * (one["peak"] - one["idle"])
    return total
